import type { ChangeContract } from '#lib/domain/contract/change-terms.ts'
import { type Column, type ColumnBatch, takeRows } from '#lib/domain/kernel/columns.ts'
import { concatBatches } from '#lib/domain/kernel/concat-columns.ts'
import type { DataFile } from '#lib/domain/lake/data-file.ts'
import { type PartitionedRows, partitionRows } from '#lib/domain/lake/partition.ts'
import { readDataFile } from '#lib/domain/lake/read-data-file.ts'
import type { TableSchema } from '#lib/domain/lake/schema.ts'
import type { Lake, Table } from '#lib/domain/lake/table.ts'
import { writeDataFiles } from '#lib/domain/lake/write-data-files.ts'
import { type ChangeMark, changeMarks, isLater } from './change-order.ts'
import { contentColumns, latestTableSchema } from './latest-table.ts'

export interface MergeOptions {
  /** Deleted rows whose change arrived before this (UTC micros) need not be remembered any more. */
  readonly deletedBefore: bigint
}

/** Files that a merge adds, and those that they replace. */
export interface MergedFiles {
  readonly files: readonly DataFile[]
  readonly removed: readonly string[]
}

interface Newest {
  readonly mark: ChangeMark
  readonly row: number
}

/**
 * Merges changes into the table: bucket by bucket, only the files are written anew of which a row is replaced. Of a
 * deleted row, key and position stay for a while, so that an older change which comes later finds that it is too
 * late.
 */
export async function mergedFiles(
  lake: Lake,
  table: Table,
  contract: ChangeContract,
  changes: ColumnBatch,
  options: MergeOptions,
): Promise<MergedFiles> {
  const newest = newestOf(changes, contract)
  const rows = [...newest.values()].map(({ row }) => row).sort((a, b) => a - b)
  const candidates = takeRows(changes, rows)
  const live = await table.liveFiles()
  const files: DataFile[] = []
  const removed: string[] = []
  const schema = latestTableSchema(contract)
  for (const bucket of bucketsOf(table, schema, candidates)) {
    const added = new Map(
      bucket.rows.map((at) => {
        const mark = changeMarks(changes, contract.changes.key)(rows[at]!)
        return [mark.key, newest.get(mark.key)!] as const
      }),
    )
    const kept: ColumnBatch[] = []
    for (const file of live.filter((one) => mayHold(one, bucket.partition))) {
      const batch = await readDataFile(lake.objects, file, schema)
      const left = rowsLeft(batch, contract, added, options)
      if (left.length === batch.rows) continue
      removed.push(file.path)
      kept.push(takeRows(batch, left))
    }
    const fresh = takeRows(
      changes,
      [...added.values()].map(({ row }) => row),
    )
    const written = concatBatches([...kept, withoutDeleted(fresh, contract)])
    if (written.rows > 0) files.push(...(await writeDataFiles(lake, { ...table, schema }, written)))
  }
  return { files, removed }
}

/** The newest change of each row among these. */
function newestOf(changes: ColumnBatch, { changes: terms }: ChangeContract): Map<string, Newest> {
  const newest = new Map<string, Newest>()
  const markOf = changeMarks(changes, terms.key)
  for (let row = 0; row < changes.rows; row++) {
    const mark = markOf(row)
    const known = newest.get(mark.key)
    if (known === undefined || isLater(mark, known.mark)) newest.set(mark.key, { mark, row })
  }
  return newest
}

/** Rows that are merged together, and the partition in which all files lie that they may replace rows of. */
function bucketsOf(
  { metadata, spec }: Table,
  schema: TableSchema,
  candidates: ColumnBatch,
): readonly Pick<PartitionedRows, 'partition' | 'rows'>[] {
  if (metadata['partition-specs'].length === 1) return partitionRows(schema, spec, candidates)
  // Of an earlier layout, a file may hold rows of several buckets: it must be written anew once.
  return [{ partition: {}, rows: Array.from({ length: candidates.rows }, (_, row) => row) }]
}

function mayHold(file: DataFile, partition: DataFile['partition']): boolean {
  return Object.entries(partition).every(([name, value]) => file.partition[name] === value)
}

/** The rows of a file that stay; takes away from the changes those that are older than what is there. */
function rowsLeft(
  batch: ColumnBatch,
  { changes }: ChangeContract,
  added: Map<string, Newest>,
  { deletedBefore }: MergeOptions,
): readonly number[] {
  const markOf = changeMarks(batch, changes.key)
  const arrived = batch.columns.get('ingest_time') as Extract<Column, { kind: 'int64' }>
  const left: number[] = []
  for (let row = 0; row < batch.rows; row++) {
    const mark = markOf(row)
    const change = added.get(mark.key)
    const isReplaced = change !== undefined && isLater(change.mark, mark)
    if (change !== undefined && !isReplaced) added.delete(mark.key)
    const isForgotten = mark.operation === 'd' && arrived.values[row]! < deletedBefore
    if (!isReplaced && !isForgotten) left.push(row)
  }
  return left
}

/** Of deleted rows nothing but which they were. */
function withoutDeleted(batch: ColumnBatch, contract: ChangeContract): ColumnBatch {
  const content = contentColumns(contract)
  const markOf = changeMarks(batch, contract.changes.key)
  const [there, deleted]: [number[], number[]] = [[], []]
  for (let row = 0; row < batch.rows; row++) {
    if (markOf(row).operation === 'd') deleted.push(row)
    else there.push(row)
  }
  if (deleted.length === 0) return batch
  const gone = takeRows(batch, deleted)
  const columns = new Map(
    [...gone.columns].map(([name, column]): [string, Column] => [
      name,
      content.has(name) ? emptied(column, gone.rows) : column,
    ]),
  )
  return concatBatches([takeRows(batch, there), { rows: gone.rows, columns }])
}

/** A column of the same kind without a value. */
function emptied(column: Column, rows: number): Column {
  const nulls = new Uint8Array(rows).fill(1)
  switch (column.kind) {
    case 'int32':
      return { kind: 'int32', values: new Int32Array(rows), nulls }
    case 'int64':
      return { kind: 'int64', values: new BigInt64Array(rows), nulls }
    case 'float64':
      return { kind: 'float64', values: new Float64Array(rows), nulls }
    case 'boolean':
      return { kind: 'boolean', values: new Uint8Array(rows), nulls }
    case 'utf8':
      return { kind: 'utf8', bytes: new Uint8Array(), offsets: new Int32Array(rows + 1), nulls }
    case 'list': {
      const none = takeRows({ rows: 0, columns: new Map([['element', column.elements]]) }, [])
      const elements = none.columns.get('element')!
      return { kind: 'list', offsets: new Int32Array(rows + 1), elements, nulls }
    }
    case 'struct': {
      const fields = [...column.fields].map(([name, one]): [string, Column] => [
        name,
        emptied(one, rows),
      ])
      return { kind: 'struct', rows, fields: new Map(fields), nulls }
    }
  }
}
