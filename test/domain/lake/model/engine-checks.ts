import { deepEqual, equal } from 'node:assert/strict'
import type { Predicate } from '#lib/domain/lake/predicate/predicate.ts'
import type { PrimitiveType, TableField, TableSchema } from '#lib/domain/lake/schema.ts'
import { snapshotOf, tableSchema } from '#lib/domain/lake/table-metadata.ts'
import { seededRandom } from '#lib/domain/ops/seeded-random.ts'
import type { Engine, IcebergFiles } from '#test/support/iceberg-files.ts'
import { dateText, drawCondition, sorted } from './conditions.ts'
import { engineText, holds, type Row, sqlText } from './naive-table.ts'
import { RandomRows } from './random-rows.ts'
import type { TableChecks } from './run-model.ts'
import type { TableModel } from './table-model.ts'

const SNAPSHOTS = 3

/** What PyIceberg and DuckDB make of the model's table, and what PyIceberg does to it. */
export class EngineChecks implements TableChecks {
  readonly #model: TableModel
  readonly #engines: IcebergFiles
  readonly #folder: string
  readonly #make: RandomRows
  #planned = 0
  #files = 0

  constructor(model: TableModel, engines: IcebergFiles, folder: string, seed: number) {
    this.#model = model
    this.#engines = engines
    this.#folder = folder
    this.#make = new RandomRows(seededRandom(seed, 1))
  }

  get plannedShare(): number {
    return this.#planned / Math.max(1, this.#files)
  }

  /** Every row as both engines read it, of today and of some snapshots, and what they find by a condition. */
  async check(): Promise<void> {
    const { schema, metadata, currentSnapshot } = await this.#model.table()
    if (!currentSnapshot) return
    await this.#same(schema, this.#model.rows, await this.#readers())
    const known = await this.#model.knownSnapshots()
    for (let at = 0; at < Math.min(SNAPSHOTS, known.length); at++) {
      const [id, rows] = this.#make.pick(known)
      // Both read a snapshot by the schema that it was made with.
      const schemaId = snapshotOf(metadata, id)!['schema-id']
      const then = metadata.schemas.find((one) => one['schema-id'] === schemaId)!
      await this.#same(tableSchema(then), rows, await this.#readers(id), id)
    }
    await this.#checkPlan(schema)
  }

  /** PyIceberg appends or deletes, as it does it. */
  async write(): Promise<string> {
    const { schema, currentSnapshot } = await this.#model.table()
    const condition = this.#condition(schema)
    if (!currentSnapshot || condition === undefined) return 'nothing by PyIceberg'
    const { filter, where } = condition
    await this.#model.withoutDeletesByValue()
    const matches = (row: Row) => holds(where, row, schema) === true
    if (this.#make.chance(0.6)) {
      await this.#engines.append(this.#folder, filter)
      this.#model.rows = [...this.#model.rows, ...this.#model.rows.filter(matches)]
      return `append by PyIceberg (${filter})`
    }
    await this.#engines.delete(this.#folder, filter)
    this.#model.rows = this.#model.rows.filter((row) => !matches(row))
    return `delete by PyIceberg (${filter})`
  }

  /**
   * PyIceberg reads no deletes by value. DuckDB 1.5 takes rows without a value for deleted by any, which the specification
   * does not: only by one that has none either.
   */
  async #readers(snapshotId?: bigint): Promise<readonly Engine[]> {
    const { schema } = await this.#model.table()
    const columns = await this.#model.deletedByValue(snapshotId)
    if (columns.length === 0) return ['duckdb', 'pyiceberg']
    const isRequired = (id: number) =>
      schema.fields.some((field) => field.id === id && field.required)
    return columns.every(isRequired) ? ['duckdb'] : []
  }

  async #same(
    schema: TableSchema,
    rows: readonly Row[],
    engines: readonly Engine[],
    snapshotId?: bigint,
  ): Promise<void> {
    const columns = schema.fields.map(({ name, type }) => sqlText(name, type as PrimitiveType))
    const found = await this.#engines.read({
      folder: this.#folder,
      columns,
      engines,
      ...(snapshotId !== undefined && { snapshot: String(snapshotId) }),
    })
    const wanted = sorted(
      rows.map((row) =>
        schema.fields.map(({ id, type }) => engineText(row.get(id) ?? null, type as PrimitiveType)),
      ),
    )
    for (const engine of engines) {
      deepEqual(sorted(found[engine]!), wanted, `${engine}, snapshot ${snapshotId ?? 'now'}`)
    }
  }

  async #checkPlan(schema: TableSchema): Promise<void> {
    const condition = this.#condition(schema)
    if (condition === undefined || (await this.#model.deletedByValue()).length > 0) return
    const { filter, where } = condition
    const wanted = this.#model.rows.filter((row) => holds(where, row, schema) === true).length
    const plan = await this.#engines.plan(this.#folder, filter)
    equal(plan.pyiceberg, wanted, `PyIceberg where ${filter}`)
    equal(plan.duckdb, wanted, `DuckDB where ${filter}`)
    this.#planned += plan.planned
    this.#files += plan.files
  }

  #condition(schema: TableSchema): { filter: string; where: Predicate } | undefined {
    const drawn = drawCondition(this.#make, schema)
    if (drawn === undefined) return undefined
    const { field, op, value, where } = drawn
    return { filter: `${field.name} ${op} ${literal(field, value)}`, where }
  }
}

function literal({ type }: TableField, value: unknown): string {
  if (type === 'string') return `'${String(value)}'`
  if (type !== 'date') return String(value)
  return `'${dateText(value)}'`
}
