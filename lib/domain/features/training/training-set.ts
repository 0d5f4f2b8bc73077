import type { Contract } from '#lib/domain/contract/contract.ts'
import type { Value } from '#lib/domain/contract/value.ts'
import { columnOf } from '#lib/domain/ingest/build-column.ts'
import {
  type Column,
  type ColumnBatch,
  isNull,
  microsOf,
  takeRows,
} from '#lib/domain/kernel/columns.ts'
import { PlatformError } from '#lib/domain/kernel/errors.ts'
import { isoOf, type Micros } from '#lib/domain/kernel/time.ts'
import type { TableName } from '#lib/domain/lake/catalog.ts'
import { commit } from '#lib/domain/lake/commit.ts'
import type { DataFile } from '#lib/domain/lake/data-file.ts'
import type { Predicate } from '#lib/domain/lake/predicate/predicate.ts'
import type { IcebergType, TableField, TableSchema } from '#lib/domain/lake/schema.ts'
import { createTableIfAbsent, type Lake, loadTable, type Table } from '#lib/domain/lake/table.ts'
import { planScan, readPlanned } from '#lib/domain/lake/table-scan.ts'
import { writeDataFiles } from '#lib/domain/lake/write-data-files.ts'
import { KeyDictionary } from '#lib/domain/process/key-dictionary.ts'
import { keyScaleOf } from '#lib/domain/process/view.ts'
import { asOf, type FeatureHistory } from './feature-history.ts'

/** Labels: what a model shall learn, of whom and as of when. */
export interface Labels {
  readonly table: Table
  /** The column that holds the views' key. */
  readonly key: string
  /** The column that says as of when features are wanted. */
  readonly time: string
  /** The columns that are taken along. */
  readonly columns: readonly string[]
  readonly where: Predicate
}

export interface TrainingSet {
  readonly name: TableName
  readonly location: string
  readonly labels: Labels
  /** All of them have the labels' key. */
  readonly history: readonly FeatureHistory[]
  readonly contract: Contract
}

export interface TrainingSetReport {
  readonly table: string
  readonly rows: number
  /** Labels for which a view knew nothing yet, by view. */
  readonly unknown: Readonly<Record<string, number>>
}

const COMPLETE_PROPERTY = 'weir.training-set'
const FIRST_FEATURE_ID = 1000
const IDS_PER_FEATURE = 50

/**
 * Writes a table with a row per label: its columns, and for each view the newest window that was known at the label's
 * time. The rows are read back and held against that before the table is called complete.
 *
 * Throws `features.trainingSetExists`, and `features.leak` if a row holds what nobody knew at its time.
 */
export async function buildTrainingSet(lake: Lake, set: TrainingSet): Promise<TrainingSetReport> {
  const schema = schemaOf(set)
  const before = await loadTable(lake, set.name)
  if (before !== undefined && before.currentSnapshot !== undefined) {
    throw new PlatformError(
      'features.trainingSetExists',
      `there is a training set ${set.name.name} already: a model was perhaps made of it; give this one another name`,
    )
  }
  const { name, location } = set
  const table = await createTableIfAbsent(lake, { name, location, schema, spec: { fields: [] } })
  const files: DataFile[] = []
  const unknown = new Map(set.history.map(({ view }) => [view.name, 0]))
  let rows = 0
  for await (const batch of joined(lake, set, schema, unknown)) {
    refuseLeaks(set, batch)
    rows += batch.rows
    files.push(...(await writeDataFiles(lake, table, batch)))
  }
  await commit(lake, name, (current) =>
    current.currentSnapshot === undefined
      ? { files, summary: {}, setProperties: () => ({ [COMPLETE_PROPERTY]: String(rows) }) }
      : undefined,
  )
  return { table: name.name, rows, unknown: Object.fromEntries(unknown) }
}

/** Labels file by file, each with what was known at its time. */
async function* joined(
  { objects }: Lake,
  set: TrainingSet,
  schema: TableSchema,
  unknown: Map<string, number>,
): AsyncGenerator<ColumnBatch> {
  const { labels, history, contract } = set
  const scan = await planScan(objects, labels.table, labels.where)
  for (const file of scan.files.toSorted((a, b) =>
    a.data.file.path < b.data.file.path ? -1 : 1,
  )) {
    const batch = await readPlanned(scan, file, labels.table.schema, labels.where)
    const keyColumn = batch.columns.get(labels.key)!
    const times = batch.columns.get(labels.time) as Int64
    const keys = new KeyDictionary(keyScaleOf(contract, history[0]!.view.key))
    const codes = keys.codesOf(keyColumn, batch.rows)
    const rows = Array.from({ length: batch.rows }, (_, row) => row).filter(
      (row) => codes[row]! >= 0 && !isNull(times, row),
    )
    const timeOf = microsOf(times)
    const some = takeRows(batch, Int32Array.from(rows))
    const columns = new Map<string, Column>(
      labelColumns(labels).map((one) => [one, some.columns.get(one)!]),
    )
    for (const { view, columns: features, byKey } of history) {
      const found = rows.map((row) => asOf(byKey.get(keys.text(codes[row]!)), timeOf(row)))
      unknown.set(view.name, unknown.get(view.name)! + found.filter((one) => !one).length)
      const put = (name: string, values: readonly (Value | null)[]) =>
        columns.set(name, columnOf(typeIn(schema, name), values))
      put(columnName(view.name, 'window_end'), micros(found.map((one) => one?.windowEnd)))
      put(columnName(view.name, 'known_at'), micros(found.map((one) => one?.knownAt)))
      for (const [at, { name }] of features.entries()) {
        put(
          columnName(view.name, name),
          found.map((one) => one?.values[at] ?? null),
        )
      }
    }
    if (rows.length > 0) yield { rows: rows.length, columns }
  }
}

/**
 * Rows of a training set that hold a feature which was not known at the label's time. What was joined has none; this is
 * the second look, at what is written.
 */
export function leaksIn(
  { labels, history }: Pick<TrainingSet, 'labels' | 'history'>,
  { rows, columns }: ColumnBatch,
): readonly {
  readonly row: number
  readonly view: string
  readonly knownAt: Micros
  readonly time: Micros
}[] {
  const times = microsOf(columns.get(labels.time) as Int64)
  return history.flatMap(({ view }) => {
    const known = columns.get(columnName(view.name, 'known_at')) as Int64
    const ends = columns.get(columnName(view.name, 'window_end')) as Int64
    const [knownAt, endsAt] = [microsOf(known), microsOf(ends)]
    return Array.from({ length: rows }, (_, row) => row)
      .filter((row) => !isNull(known, row) && Math.max(knownAt(row), endsAt(row)) > times(row))
      .map((row) => ({ row, view: view.name, knownAt: knownAt(row), time: times(row) }))
  })
}

function refuseLeaks(set: TrainingSet, batch: ColumnBatch): void {
  const [leak] = leaksIn(set, batch)
  if (leak === undefined) return
  throw new PlatformError(
    'features.leak',
    `${set.name.name}: a label of ${isoOf(leak.time)} would be given what ${leak.view} knew at ${isoOf(leak.knownAt)}: nothing was written`,
  )
}

/** `<view>__<what>`, as SQL likes it. */
export function columnName(view: string, what: string): string {
  return `${view.replaceAll('-', '_')}__${what}`
}

function labelColumns({ key, time, columns }: Labels): readonly string[] {
  return [...new Set([key, time, ...columns])]
}

function schemaOf({ labels, history }: TrainingSet): TableSchema {
  const own = labelColumns(labels).map((name, at): TableField => {
    const field = fieldOf(labels, name)
    return { ...numbered(field, at + 1), required: name === labels.key || name === labels.time }
  })
  const features = history.flatMap(({ view, columns }, of): TableField[] => {
    const first = FIRST_FEATURE_ID * (of + 1)
    const instant = (at: number, what: string, doc: string): TableField => {
      const name = columnName(view.name, what)
      return { id: first + at, name, required: false, type: 'timestamptz', doc }
    }
    return [
      instant(0, 'window_end', 'of the window that was known, exclusive'),
      instant(1, 'known_at', 'from then on a reader could have had it'),
      ...columns.map((field, at) => {
        const id = first + IDS_PER_FEATURE * (at + 1)
        return {
          ...numbered({ ...field, name: columnName(view.name, field.name) }, id),
          required: false,
        }
      }),
    ]
  })
  return { fields: [...own, ...features] }
}

/** With ids of this table, counting up inside of a field. */
function numbered(field: TableField, id: number): TableField {
  let next = id + 1
  const inside = (type: IcebergType): IcebergType => {
    if (typeof type === 'string') return type
    if (type.type === 'struct') {
      return {
        ...type,
        fields: type.fields.map((one) => ({ ...one, id: next++, type: inside(one.type) })),
      }
    }
    return { ...type, 'element-id': next++, element: inside(type.element) }
  }
  return { ...field, id, type: inside(field.type) }
}

/** Throws `features.badLabels`. */
function fieldOf({ table, key, time }: Labels, name: string): TableField {
  const field = table.schema.fields.find((one) => one.name === name)
  const known = table.schema.fields.map((one) => one.name).join(', ')
  if (field === undefined) {
    throw new PlatformError(
      'features.badLabels',
      `${table.name.name} has no column "${name}": it has ${known}`,
    )
  }
  if (name === time && field.type !== 'timestamptz') {
    throw new PlatformError(
      'features.badLabels',
      `column "${time}" is no time: name one of type timestamptz`,
    )
  }
  if (name === key && typeof field.type !== 'string') {
    throw new PlatformError('features.badLabels', `column "${key}" cannot be a key`)
  }
  return field
}

function typeIn({ fields }: TableSchema, name: string): IcebergType {
  return fields.find((field) => field.name === name)!.type
}

function micros(times: readonly (Micros | undefined)[]): readonly (bigint | null)[] {
  return times.map((time) => (time === undefined ? null : BigInt(time)))
}

type Int64 = Extract<Column, { kind: 'int64' }>
