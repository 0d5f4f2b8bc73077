import { deepEqual, equal, ok } from 'node:assert/strict'
import { takeRows } from '#lib/domain/kernel/columns.ts'
import { hasCode } from '#lib/domain/kernel/errors.ts'
import type { ObjectRemover } from '#lib/domain/kernel/object-remover.ts'
import type { DeleteMode } from '#lib/domain/lake/changes/delete-mode.ts'
import { deleteRows } from '#lib/domain/lake/changes/delete-rows.ts'
import { overwrite } from '#lib/domain/lake/changes/overwrite.ts'
import { commitRowDelta } from '#lib/domain/lake/changes/row-delta.ts'
import { commit } from '#lib/domain/lake/commit.ts'
import type { DeleteFile } from '#lib/domain/lake/delete-file.ts'
import {
  withColumnMoved,
  withColumnRenamed,
  withColumnWidened,
  withoutColumn,
} from '#lib/domain/lake/evolve-columns.ts'
import { withPartitioning, withSortOrder } from '#lib/domain/lake/evolve-layout.ts'
import { type Evolve, evolveTable } from '#lib/domain/lake/evolve-table.ts'
import { compact } from '#lib/domain/lake/maintenance/compact.ts'
import { expireSnapshots } from '#lib/domain/lake/maintenance/expire.ts'
import { findOrphans, removeOrphans } from '#lib/domain/lake/maintenance/orphans.ts'
import { rewriteManifests } from '#lib/domain/lake/maintenance/rewrite-manifests.ts'
import { releaseHold, rollBack } from '#lib/domain/lake/maintenance/roll-back.ts'
import { encodeParquet } from '#lib/domain/lake/parquet/encode.ts'
import { ALWAYS, type Predicate } from '#lib/domain/lake/predicate/predicate.ts'
import { publishBranch } from '#lib/domain/lake/refs/publish.ts'
import { createBranch, createTag, dropRef, namedRefs } from '#lib/domain/lake/refs/refs.ts'
import type { PrimitiveType, TableSchema } from '#lib/domain/lake/schema.ts'
import { contentsOf } from '#lib/domain/lake/snapshot-contents.ts'
import { createTableIfAbsent, type Lake, requireTable, type Table } from '#lib/domain/lake/table.ts'
import { snapshotOf } from '#lib/domain/lake/table-metadata.ts'
import { tableOnBranch } from '#lib/domain/lake/table-on-branch.ts'
import { type PlannedFile, planScan, readPlanned } from '#lib/domain/lake/table-scan.ts'
import type { Transform } from '#lib/domain/lake/transform.ts'
import { writeDataFiles } from '#lib/domain/lake/write-data-files.ts'
import type { RowsToDelete } from '#lib/domain/lake/write-position-deletes.ts'
import { type Random, seededRandom } from '#lib/domain/ops/seeded-random.ts'
import { FaultyCatalog, type Outcome } from '../faulty-catalog.ts'
import { interrupted } from '../lake-fixture.ts'
import { batchOf, holds, type Row, rowsOfBatch, textsOf } from './naive-table.ts'
import { RandomRows } from './random-rows.ts'

export const MODEL_NAME = { database: 'model', name: 'rides' }

const FIRST_SCHEMA: TableSchema = {
  fields: [
    { id: 1, name: 'ride', required: true, type: 'int' },
    { id: 2, name: 'city', required: false, type: 'string' },
    { id: 3, name: 'started_at', required: true, type: 'timestamptz' },
    { id: 4, name: 'fare', required: false, type: 'decimal(9, 2)' },
    { id: 5, name: 'held_on', required: false, type: 'date' },
    { id: 6, name: 'paid', required: false, type: 'boolean' },
    { id: 7, name: 'ratio', required: false, type: 'double' },
  ],
}

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

/** What the model works on. Its clock is the model's to move. */
export interface ModelWorld {
  readonly lake: Lake & { readonly clock: { ms: number; nowMs(): number } }
  readonly remover: ObjectRemover
  readonly location: string
}

/** How often each operation was done, and what others got in the way of. */
export type Tally = Map<string, number>

/** Failures that are right where somebody else came first; nothing is changed then. */
const MEANT = ['lake.conflict', 'lake.inputGone', 'lake.partitionMismatch', 'lake.rowDeletes']

/** Thrown by nothing but the generator: there is nothing to do this with. */
class Skip extends Error {}

/**
 * A table and a list of rows, to both of which the same is done, by chance from a seed: whatever the table's files,
 * manifests, snapshots and branches are by then, it holds the rows of the list.
 */
export class TableModel {
  readonly world: ModelWorld
  readonly tally: Tally = new Map()
  /** Of the main branch. */
  rows: readonly Row[] = []
  readonly #at = new Map<bigint, readonly Row[]>()
  readonly #random: Random
  readonly #make: RandomRows
  #nextId = 100
  #plannedFiles = 0
  #allFiles = 0

  private constructor(world: ModelWorld, seed: number) {
    this.world = world
    this.#random = seededRandom(seed)
    this.#make = new RandomRows(this.#random)
  }

  static async create(world: ModelWorld, seed: number): Promise<TableModel> {
    const model = new TableModel(world, seed)
    await createTableIfAbsent(world.lake, {
      name: MODEL_NAME,
      location: world.location,
      schema: FIRST_SCHEMA,
      spec: { fields: [{ sourceId: 2, fieldId: 1000, name: 'city', transform: 'identity' }] },
      properties: {
        'history.expire.min-snapshots-to-keep': '15',
        'history.expire.max-snapshot-age-ms': String(HOUR_MS),
        'commit.manifest.min-count-to-merge': '12',
        ...(model.#make.chance(0.3) && { 'write.delete.granularity': 'partition' }),
      },
    })
    return model
  }

  /** The share of files that a condition leaves to be read, of all that were asked for so far. */
  get plannedShare(): number {
    return this.#plannedFiles / Math.max(1, this.#allFiles)
  }

  async table(): Promise<Table> {
    return (await requireTable(this.world.lake, MODEL_NAME)).table
  }

  /** Snapshots whose rows the model knows, as far as the table retains them. */
  async knownSnapshots(): Promise<readonly (readonly [bigint, readonly Row[]])[]> {
    const { metadata } = await this.table()
    return [...this.#at].filter(([id]) => snapshotOf(metadata, id) !== undefined)
  }

  /** The columns that rows are deleted by the values of, which not every engine can read. */
  async deletedByValue(snapshotId?: bigint): Promise<readonly number[]> {
    const { metadata } = await this.table()
    const id = snapshotId ?? metadata['current-snapshot-id']
    const { objects } = this.world.lake
    const { deletes } = await contentsOf(objects, metadata, snapshotOf(metadata, id))
    return deletes.flatMap(({ file }) => file.equalityIds ?? [])
  }

  /** Compacts them away. */
  async withoutDeletesByValue(): Promise<void> {
    if ((await this.deletedByValue()).length === 0) return
    await compact(this.world.lake, MODEL_NAME, { mostDeleted: 0 })
  }

  /** Does one thing, whatever it is, and says what it was. */
  async step(): Promise<string> {
    for (;;) {
      const [name, work] = this.#chosen()
      this.world.lake.clock.ms += 1000 * (1 + this.#make.below(120))
      try {
        await work.call(this)
      } catch (error) {
        if (error instanceof Skip) continue
        throw error
      }
      this.tally.set(name, (this.tally.get(name) ?? 0) + 1)
      return name
    }
  }

  #chosen(): readonly [string, () => Promise<void>] {
    const weighted: readonly (readonly [number, string, () => Promise<void>])[] = [
      [24, 'append', this.#append],
      [14, 'delete', this.#delete],
      [6, 'overwrite', this.#overwrite],
      [5, 'overwrite partitions', this.#overwritePartitions],
      [9, 'merge', this.#merge],
      [3, 'delete by value', this.#deleteByValue],
      [6, 'evolve columns', this.#evolveColumns],
      [3, 'evolve layout', this.#evolveLayout],
      [8, 'compact', this.#compact],
      [4, 'rewrite manifests', this.#rewriteManifests],
      [4, 'expire', this.#expire],
      [3, 'roll back', this.#rollBack],
      [3, 'tag', this.#tag],
      [3, 'branch', this.#branch],
      [8, 'change branch', this.#changeBranch],
      [4, 'publish', this.#publish],
      [2, 'drop', this.#drop],
      [3, 'remove orphans', this.#removeOrphans],
    ]
    let at = this.#random() * weighted.reduce((sum, [weight]) => sum + weight, 0)
    for (const [weight, name, work] of weighted) {
      at -= weight
      if (at < 0) return [name, work]
    }
    return ['append', this.#append]
  }

  /** What is left to be believed of the main branch: the rows, what the summary counts, and what a condition finds. */
  async check(): Promise<void> {
    const table = await this.table()
    const { schema, currentSnapshot } = table
    deepEqual(await this.read(table), textsOf(this.rows, schema))
    if (currentSnapshot) this.#at.set(currentSnapshot.snapshotId, this.rows)
    await this.#checkSummary(table)
    const where = this.#make.predicate(schema)
    const plan = await planScan(this.world.lake.objects, table, where)
    const found = await this.#rowsIn(table, plan, where)
    const wanted = this.rows.filter((row) => holds(where, row, schema) === true)
    deepEqual(textsOf(found, schema), textsOf(wanted, schema), JSON.stringify(where, digits))
    this.#plannedFiles += plan.files.length
    this.#allFiles += (await table.liveFiles()).length
  }

  /** Each snapshot that is there is still what it was. */
  async checkSnapshots(): Promise<void> {
    const table = await this.table()
    for (const [id, rows] of await this.knownSnapshots()) {
      const found = await this.read(table, id)
      deepEqual(found, textsOf(rows, table.schema), `snapshot ${id}`)
    }
    for (const { name, type, snapshotId } of namedRefs(table)) {
      ok(snapshotOf(table.metadata, snapshotId), `${type} ${name} names a snapshot that is gone`)
    }
  }

  async read(table: Table, snapshotId?: bigint): Promise<readonly string[]> {
    const snapshot = snapshotId === undefined ? undefined : snapshotOf(table.metadata, snapshotId)
    const plan = await planScan(this.world.lake.objects, table, ALWAYS, snapshot)
    return textsOf(await this.#rowsIn(table, plan, ALWAYS), table.schema)
  }

  async #rowsIn(
    { schema }: Table,
    plan: Awaited<ReturnType<typeof planScan>>,
    where: Predicate,
  ): Promise<readonly Row[]> {
    const rows: Row[] = []
    for (const file of plan.files) {
      rows.push(...rowsOfBatch(await readPlanned(plan, file, schema, where), schema))
    }
    return rows
  }

  async #checkSummary(table: Table): Promise<void> {
    if (!table.currentSnapshot) return
    const { summary } = table.currentSnapshot
    // Other engines count otherwise, and from their snapshots on so it is.
    if (summary['total-data-files'] === undefined) return
    const { data, deletes } = await table.contents()
    const positions = deletes.filter(({ file }) => file.kind === 'positions')
    const sum = (files: readonly { readonly file: { readonly recordCount: number } }[]) =>
      String(files.reduce((total, { file }) => total + file.recordCount, 0))
    equal(summary['total-data-files'], String(data.length))
    equal(summary['total-records'], sum(data))
    equal(summary['total-delete-files'], String(deletes.length))
    equal(summary['total-position-deletes'], sum(positions))
    equal(
      summary['total-equality-deletes'],
      sum(deletes.filter(({ file }) => file.kind === 'equality')),
    )
  }

  async #append(): Promise<void> {
    const table = await this.table()
    const rows = this.#make.rows(table.schema, 1 + this.#make.below(25))
    await this.#appendTo(this.#faulty(), rows, undefined)
    this.rows = [...this.rows, ...rows]
  }

  async #appendTo(lake: Lake, rows: readonly Row[], branch: string | undefined): Promise<void> {
    const { table } = await requireTable(lake, MODEL_NAME)
    const files = await writeDataFiles(lake, table, batchOf(rows, table.schema))
    const first = files[0]!.path
    await commit(
      lake,
      MODEL_NAME,
      async (now) => {
        if ((await now.liveFiles()).some(({ path }) => path === first)) return undefined
        return { files, summary: {}, setProperties: () => ({}) }
      },
      branch === undefined ? {} : { branch },
    )
  }

  async #delete(): Promise<void> {
    const { schema } = await this.table()
    const where = this.#make.predicate(schema)
    const mode = this.#make.pick<DeleteMode | undefined>([
      undefined,
      'merge-on-read',
      'merge-on-read',
      'copy-on-write',
    ])
    await this.#beside(async (lake) => {
      await deleteRows(lake, MODEL_NAME, where, mode === undefined ? {} : { mode })
      this.rows = this.rows.filter((row) => holds(where, row, schema) !== true)
    })
  }

  async #overwrite(): Promise<void> {
    const { schema } = await this.table()
    const where = this.#make.predicate(schema, 1)
    const rows = this.#make
      .rows(schema, 40)
      .filter((row) => holds(where, row, schema) === true)
      .slice(0, 12)
    const isolation = this.#make.pick(['serializable', 'snapshot'] as const)
    await this.#beside(async (lake, late) => {
      await overwrite(lake, MODEL_NAME, { where }, batchOf(rows, schema), { isolation })
      const isSpared = (row: Row) => isolation === 'snapshot' && late.includes(row)
      const kept = this.rows.filter((row) => isSpared(row) || holds(where, row, schema) !== true)
      this.rows = [...kept, ...rows]
    })
  }

  async #overwritePartitions(): Promise<void> {
    const table = await this.table()
    const { schema, metadata } = table
    const rows = this.#make.rows(schema, 1 + this.#make.below(4))
    const specs = new Set((await table.contents()).data.map(({ specId }) => specId))
    if ([...specs].some((id) => id !== metadata['default-spec-id'])) throw new Skip()
    const added = await writeDataFiles(this.world.lake, table, batchOf(rows, schema))
    const keys = new Set(added.map(({ partition }) => JSON.stringify(partition)))
    const plan = await planScan(this.world.lake.objects, table)
    const isIn = ({ data }: PlannedFile) => keys.has(JSON.stringify(data.file.partition))
    const kept = await this.#rowsIn(
      table,
      { ...plan, files: plan.files.filter((one) => !isIn(one)) },
      ALWAYS,
    )
    await overwrite(this.#faulty(), MODEL_NAME, 'partitions of the rows', batchOf(rows, schema))
    this.rows = [...kept, ...rows]
  }

  /** Some rows go, and come back changed. */
  async #merge(): Promise<void> {
    const table = await this.table()
    const { schema } = table
    const { files, reader } = await planScan(this.world.lake.objects, table)
    if (files.length === 0) throw new Skip()
    const deletes: RowsToDelete[] = []
    const gone: Row[] = []
    const chosen = Array.from({ length: 1 + this.#make.below(3) }, () => this.#make.pick(files))
    for (const { data } of new Set(chosen)) {
      const { batch, positions } = await reader.read(data, schema)
      const hit = Array.from(positions.keys()).filter(() => this.#make.chance(0.3))
      deletes.push({ data, positions: hit.map((row) => positions[row]!) })
      gone.push(...rowsOfBatch(takeRows(batch, hit), schema))
    }
    const changed = gone
      .filter(() => this.#make.chance(0.7))
      .map((row) => this.#changed(row, schema))
    const added =
      changed.length === 0
        ? []
        : await writeDataFiles(this.world.lake, table, batchOf(changed, schema))
    const withWhere = this.#make.chance(0.5) && { noAppends: this.#make.predicate(schema) }
    const basedOn = table.currentSnapshot!.snapshotId
    await this.#beside(async (lake) => {
      await commitRowDelta(lake, MODEL_NAME, { basedOn, deletes, files: added, ...withWhere })
      this.rows = [...withoutOnce(this.rows, gone, schema), ...changed]
    })
  }

  #changed(row: Row, schema: TableSchema): Row {
    const { id, type } = this.#make.pick(schema.fields)
    return new Map([...row, [id, this.#make.value(type as PrimitiveType)]])
  }

  /** As other engines do: rows of certain values go, by a file that says nothing of where they are. */
  async #deleteByValue(): Promise<void> {
    const { lake, location } = this.world
    const table = await this.table()
    const { schema, metadata } = table
    const bare = metadata['partition-specs'].find(({ fields }) => fields.length === 0)
    if (!bare || this.rows.length === 0) throw new Skip()
    const required = schema.fields.filter((field) => field.required)
    const fields = this.#make.chance(0.6) ? required : schema.fields.slice(0, 2)
    if (fields.length === 0) throw new Skip()
    const victims = [this.#make.pick(this.rows), this.#make.pick(this.rows)]
    const deleted = new Set(textsOf(victims, { fields }))
    const encoded = encodeParquet(
      { fields: fields.map((one) => ({ ...one, required: false })) },
      batchOf(victims, { fields }),
    )
    const path = `${location}/data/by-value-${lake.ids.uuid()}.parquet`
    await lake.objects.putIfAbsent(path, encoded.bytes)
    const file: DeleteFile = {
      ...encoded.metrics,
      path,
      kind: 'equality',
      specId: bare['spec-id'],
      partition: {},
      sizeBytes: encoded.bytes.length,
      equalityIds: fields.map(({ id }) => id),
    }
    await commit(lake, MODEL_NAME, () => ({
      files: [],
      deletes: [file],
      summary: {},
      setProperties: () => ({}),
    }))
    this.rows = this.rows.filter((row) => !deleted.has(textsOf([row], { fields })[0]!))
  }

  async #evolveColumns(): Promise<void> {
    const { schema, metadata } = await this.table()
    const { fields } = schema
    const parted = metadata['partition-specs'].flatMap((spec) =>
      spec.fields.map((field) => field['source-id']),
    )
    const sorted = metadata['sort-orders'].flatMap((order) =>
      order.fields.map((field) => field['source-id']),
    )
    const free = fields.filter(({ id }) => !parted.includes(id) && !sorted.includes(id))
    const id = this.#nextId++
    const field = this.#make.pick(fields)
    switch (this.#make.below(5)) {
      case 0: {
        const type = this.#make.pick<PrimitiveType>(['long', 'string', 'double', 'date', 'int'])
        const added = { id, name: `column_${id}`, required: false, type }
        await commit(this.world.lake, MODEL_NAME, () => ({
          files: [],
          schema: { fields: [...fields, added] },
          summary: {},
          setProperties: () => ({}),
        }))
        return
      }
      case 1: {
        if (free.length < 3) throw new Skip()
        const gone = this.#make.pick(free)
        return await this.#evolve((base) => withoutColumn(base, gone.id))
      }
      case 2:
        // The partition's name is another matter.
        if (parted.includes(field.id)) throw new Skip()
        return await this.#evolve((base) => withColumnRenamed(base, field.id, `renamed_${id}`))
      case 3:
        return await this.#evolve((base) => withColumnMoved(base, field.id, 'first'))
      default: {
        const wider = { int: 'long', 'decimal(9, 2)': 'decimal(14, 2)' } as const
        const type = wider[field.type as keyof typeof wider]
        if (type === undefined) throw new Skip()
        return await this.#evolve((base) => withColumnWidened(base, field.id, type))
      }
    }
  }

  async #evolveLayout(): Promise<void> {
    const { schema } = await this.table()
    const has = (id: number) => schema.fields.some((field) => field.id === id)
    const choices: readonly (readonly [number, Transform, string])[] = [
      [2, 'identity', 'city'],
      [2, 'truncate[2]', 'city_start'],
      [1, 'bucket[3]', 'ride_bucket'],
      [3, 'day', 'started_day'],
      [3, 'month', 'started_month'],
      [5, 'month', 'held_month'],
      [4, 'truncate[500]', 'fare_range'],
    ]
    if (this.#make.chance(0.3)) {
      const fields = has(4)
        ? [{ sourceId: 4, transform: 'identity', direction: 'desc', nulls: 'last' } as const]
        : []
      return await this.#evolve((base) => withSortOrder(base, { fields }))
    }
    const chosen = choices.filter(([id]) => has(id) && this.#make.chance(0.3)).slice(0, 2)
    // PyIceberg does not write a table that is parted twice by one column.
    const wanted = chosen[0]?.[0] === chosen[1]?.[0] ? chosen.slice(0, 1) : chosen
    const fields = wanted.map(([sourceId, transform, name]) => ({ sourceId, transform, name }))
    if (schema.fields.some(({ id, name }) => id !== 2 && name === 'city')) throw new Skip()
    await this.#evolve((base) => withPartitioning(base, fields))
  }

  async #evolve(evolve: Evolve): Promise<void> {
    await evolveTable(this.#faulty(), MODEL_NAME, evolve)
  }

  async #compact(): Promise<void> {
    const options = {
      minFiles: 2 + this.#make.below(4),
      targetBytes: this.#make.pick([8_000, 32_000, 1_000_000]),
      mostDeleted: this.#make.pick([0, 0, 0.1, 0.5]),
    }
    await this.#beside(async (lake) => void (await compact(lake, MODEL_NAME, options)))
    if (options.mostDeleted > 0 || this.#make.chance(0.5)) return
    await compact(this.world.lake, MODEL_NAME, options)
    const { deletes } = await (await this.table()).contents()
    equal(deletes.length, 0, 'a compaction of all deletes leaves none')
  }

  async #rewriteManifests(): Promise<void> {
    await rewriteManifests(this.#faulty(), MODEL_NAME)
  }

  async #expire(): Promise<void> {
    this.world.lake.clock.ms += this.#make.below(3) * HOUR_MS
    await expireSnapshots(this.#faulty(), MODEL_NAME, {
      atLeast: 1 + this.#make.below(8),
      currentWithinMs: HOUR_MS,
    })
  }

  async #rollBack(): Promise<void> {
    const known = await this.knownSnapshots()
    if (known.length === 0) throw new Skip()
    const [id, rows] = this.#make.pick(known)
    await rollBack(this.#faulty(), MODEL_NAME, id, { reason: 'by chance' })
    await releaseHold(this.#faulty(), MODEL_NAME)
    this.rows = rows
  }

  async #tag(): Promise<void> {
    const known = await this.knownSnapshots()
    if (known.length === 0) throw new Skip()
    const [snapshotId] = this.#make.pick(known)
    await createTag(this.#faulty(), MODEL_NAME, `tag-${this.#nextId++}`, {
      snapshotId,
      ...(this.#make.chance(0.5) && { maxRefAgeMs: 2 * HOUR_MS }),
    })
  }

  async #branch(): Promise<void> {
    if (!(await this.table()).currentSnapshot) throw new Skip()
    await createBranch(this.#faulty(), MODEL_NAME, `branch-${this.#nextId++}`)
  }

  async #changeBranch(): Promise<void> {
    const branch = await this.#anyBranch()
    const { schema } = await this.table()
    const rows = await this.#rowsOnBranch(branch)
    if (this.#make.chance(0.7)) {
      const more = this.#make.rows(schema, 1 + this.#make.below(8))
      await this.#appendTo(this.#faulty(), more, branch)
      return await this.#rememberBranch(branch, [...rows, ...more])
    }
    const where = this.#make.predicate(schema)
    await deleteRows(this.#faulty(), MODEL_NAME, where, { commit: { branch } })
    await this.#rememberBranch(
      branch,
      rows.filter((row) => holds(where, row, schema) !== true),
    )
  }

  async #anyBranch(): Promise<string> {
    const branches = namedRefs(await this.table()).filter(
      ({ type, name }) => type === 'branch' && name !== 'main',
    )
    if (branches.length === 0) throw new Skip()
    return this.#make.pick(branches).name
  }

  async #rowsOnBranch(branch: string): Promise<readonly Row[]> {
    const on = tableOnBranch(this.world.lake, await this.table(), branch)
    const rows = this.#at.get(on.currentSnapshot!.snapshotId)
    if (rows === undefined) throw new Error(`the model does not know branch ${branch}`)
    return rows
  }

  async #rememberBranch(branch: string, rows: readonly Row[]): Promise<void> {
    const on = tableOnBranch(this.world.lake, await this.table(), branch)
    deepEqual(await this.read(on), textsOf(rows, on.schema), `branch ${branch}`)
    this.#at.set(on.currentSnapshot!.snapshotId, rows)
  }

  async #publish(): Promise<void> {
    const branch = await this.#anyBranch()
    const table = await this.table()
    const { schema } = table
    const rows = await this.#rowsOnBranch(branch)
    const from = this.#at.get(forkOf(table, branch))!
    let how: string
    try {
      ;({ how } = await publishBranch(this.#faulty(), MODEL_NAME, branch))
    } catch (error) {
      if (!hasCode(error, 'lake.conflict')) throw error
      this.#note('refused publish')
      return await dropBranch(this.world.lake, branch)
    }
    this.#note(`publish by ${how}`)
    if (how === 'fast-forward') this.rows = rows
    if (how === 'append') this.rows = [...this.rows, ...withoutOnce(rows, from, schema)]
  }

  async #drop(): Promise<void> {
    const refs = namedRefs(await this.table()).filter(({ name }) => name !== 'main')
    if (refs.length === 0) throw new Skip()
    const { name, type } = this.#make.pick(refs)
    await dropRef(this.#faulty(), MODEL_NAME, name, type)
  }

  async #removeOrphans(): Promise<void> {
    const { lake, remover } = this.world
    const options = { waiting: async () => new Set<string>() }
    lake.clock.ms += DAY_MS + HOUR_MS
    const plan = await findOrphans(lake, MODEL_NAME, options)
    lake.clock.ms += HOUR_MS
    await removeOrphans(this.#faulty(), MODEL_NAME, plan, { ...options, remover })
  }

  #note(what: string): void {
    this.tally.set(what, (this.tally.get(what) ?? 0) + 1)
  }

  /** The lake with a catalog some of whose answers are lost. */
  #faulty(): Lake {
    const { lake } = this.world
    if (!this.#make.chance(0.3)) return lake
    const plan = Array.from({ length: 3 }, () =>
      this.#make.pick<Outcome>(['applied', 'answer lost', 'never applied', 'repeated']),
    )
    return { ...lake, catalog: new FaultyCatalog(lake.catalog, plan) }
  }

  /**
   * Works beside somebody who comes first, sometimes: who appends, or deletes, or compacts. What cannot be done any more
   * then changes nothing.
   */
  async #beside(work: (lake: Lake, late: readonly Row[]) => Promise<void>): Promise<void> {
    if (!this.#make.chance(0.3)) return await work(this.#faulty(), [])
    const late: Row[] = []
    const lake = interrupted(this.world.lake, async () => {
      late.push(...(await this.#rival()))
    })
    try {
      await work(lake, late)
    } catch (error) {
      if (!MEANT.some((code) => hasCode(error, code))) throw error
      this.#note('refused')
    }
  }

  /** Appends, deletes or compacts, and says which rows came in. */
  async #rival(): Promise<readonly Row[]> {
    const { lake } = this.world
    const { schema } = await this.table()
    const what = this.#make.below(3)
    this.#note(`rival ${['appends', 'deletes', 'compacts'][what]}`)
    if (what === 0) {
      const rows = this.#make.rows(schema, 1 + this.#make.below(10))
      await this.#appendTo(lake, rows, undefined)
      this.rows = [...this.rows, ...rows]
      return rows
    }
    if (what === 1) {
      const where = this.#make.predicate(schema)
      await deleteRows(lake, MODEL_NAME, where, { mode: 'merge-on-read' })
      this.rows = this.rows.filter((row) => holds(where, row, schema) !== true)
      return []
    }
    await compact(lake, MODEL_NAME, { minFiles: 2, mostDeleted: 0 })
    return []
  }
}

/** Where a branch left the main one: it may have come on to it since, by a rollback to one of its snapshots. */
function forkOf({ metadata, properties, isAncestor }: Table, branch: string): bigint {
  const created = BigInt(properties[`weir.branch.${branch}.from`]!)
  let at = metadata.refs[branch]!['snapshot-id']
  while (at !== created && !isAncestor(at)) {
    at = snapshotOf(metadata, at)?.['parent-snapshot-id'] ?? created
  }
  return at
}

async function dropBranch(lake: Lake, branch: string): Promise<void> {
  await dropRef(lake, MODEL_NAME, branch, 'branch')
}

/** The rows without these, each as often as it is named. */
function withoutOnce(
  rows: readonly Row[],
  gone: readonly Row[],
  schema: TableSchema,
): readonly Row[] {
  const left = new Map<string, number>()
  for (const text of textsOf(gone, schema)) left.set(text, (left.get(text) ?? 0) + 1)
  return rows.filter((row) => {
    const text = textsOf([row], schema)[0]!
    const count = left.get(text) ?? 0
    if (count > 0) left.set(text, count - 1)
    return count === 0
  })
}

function digits(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value
}
