import { deepEqual, equal } from 'node:assert/strict'
import type { Predicate } from '#lib/domain/lake/predicate/predicate.ts'
import {
  decimalOf,
  type PrimitiveType,
  type TableField,
  type TableSchema,
} from '#lib/domain/lake/schema.ts'
import { snapshotOf, tableSchema } from '#lib/domain/lake/table-metadata.ts'
import { seededRandom } from '#lib/domain/ops/seeded-random.ts'
import type { SparkTables } from '#test/support/spark-tables.ts'
import { dateText, drawCondition, sorted } from './conditions.ts'
import { engineText, holds, type Row } from './naive-table.ts'
import { RandomRows } from './random-rows.ts'
import type { TableChecks } from './run-model.ts'
import type { TableModel } from './table-model.ts'

const SNAPSHOTS = 3

/** What Spark with iceberg-java makes of the model's table, and what it does to it. */
export class SparkChecks implements TableChecks {
  readonly plannedShare = 1
  readonly #model: TableModel
  readonly #spark: SparkTables
  readonly #folder: string
  readonly #make: RandomRows

  constructor(model: TableModel, spark: SparkTables, folder: string, seed: number) {
    this.#model = model
    this.#spark = spark
    this.#folder = folder
    this.#make = new RandomRows(seededRandom(seed, 2))
  }

  async check(): Promise<void> {
    const { schema, metadata, currentSnapshot } = await this.#model.table()
    if (!currentSnapshot) return
    await this.#same(schema, this.#model.rows, '{table}')
    const known = await this.#model.knownSnapshots()
    for (let at = 0; at < Math.min(SNAPSHOTS, known.length); at++) {
      const [id, rows] = this.#make.pick(known)
      const schemaId = snapshotOf(metadata, id)!['schema-id']
      const then = metadata.schemas.find((one) => one['schema-id'] === schemaId)!
      await this.#same(tableSchema(then), rows, `{table} VERSION AS OF ${id}`)
    }
    const condition = this.#condition(schema)
    if (condition === undefined) return
    const [[count]] = (await this.#run(
      `SELECT count(*) FROM {table} WHERE ${condition.filter}`,
    )) as [[string]]
    equal(Number(count), this.#matching(condition.where, schema).length, condition.filter)
  }

  /** Spark appends, deletes by rewriting files or by position deletes, updates, or compacts, as it does it. */
  async write(): Promise<string> {
    const { schema, currentSnapshot } = await this.#model.table()
    const condition = this.#condition(schema)
    if (!currentSnapshot || condition === undefined) return 'nothing by Spark'
    const { filter, where } = condition
    const found = this.#matching(where, schema)
    if (this.#make.chance(0.4)) {
      await this.#run(`INSERT INTO {table} SELECT * FROM {table} WHERE ${filter}`)
      this.#model.rows = [...this.#model.rows, ...found]
      return `append by Spark (${filter})`
    }
    const mode = this.#make.pick(['merge-on-read', 'copy-on-write'])
    const property = `ALTER TABLE {table} SET TBLPROPERTIES ('write.delete.mode'='${mode}')`
    await this.#run(property, `DELETE FROM {table} WHERE ${filter}`)
    const gone = new Set(found)
    this.#model.rows = this.#model.rows.filter((row) => !gone.has(row))
    return `delete by Spark, ${mode} (${filter})`
  }

  #run(...statements: readonly string[]) {
    return this.#spark.run(this.#folder, ...statements)
  }

  #matching(where: Predicate, schema: TableSchema): readonly Row[] {
    return this.#model.rows.filter((row) => holds(where, row, schema) === true)
  }

  async #same(schema: TableSchema, rows: readonly Row[], relation: string): Promise<void> {
    const columns = schema.fields.map(({ name, type }) => sparkText(name, type as PrimitiveType))
    const found = await this.#run(`SELECT ${columns.join(', ')} FROM ${relation}`)
    const wanted = rows.map((row) =>
      schema.fields.map(({ id, type }) => engineText(row.get(id) ?? null, type as PrimitiveType)),
    )
    deepEqual(sorted(found), sorted(wanted), `Spark, ${relation}`)
  }

  #condition(schema: TableSchema): { filter: string; where: Predicate } | undefined {
    const drawn = drawCondition(this.#make, schema)
    if (drawn === undefined) return undefined
    const { field, op, value, where } = drawn
    return { filter: `\`${field.name}\` ${op} ${literal(field, value)}`, where }
  }
}

/** A value as `engineText` has it. */
function sparkText(name: string, type: PrimitiveType): string {
  const column = `\`${name}\``
  const decimal = decimalOf(type)
  if (decimal) return `CAST(CAST(${column} * ${10 ** decimal.scale} AS BIGINT) AS STRING)`
  switch (type) {
    case 'timestamptz':
      return `CAST(unix_micros(${column}) AS STRING)`
    case 'date':
      return `CAST(unix_date(${column}) AS STRING)`
    case 'double':
      return `CAST(CAST(${column} * 8 AS BIGINT) AS STRING)`
    default:
      return `CAST(${column} AS STRING)`
  }
}

function literal({ type }: TableField, value: unknown): string {
  if (type === 'string') return `'${String(value)}'`
  if (type !== 'date') return `${String(value)}${type === 'long' ? 'L' : ''}`
  return `DATE '${dateText(value)}'`
}
