import type { Contract } from '#lib/domain/contract/contract.ts'
import { columnOf } from '#lib/domain/ingest/build-column.ts'
import type { JournalEntry } from '#lib/domain/ingest/journal.ts'
import type { ProductLayout } from '#lib/domain/ingest/layout.ts'
import { type Column, utf8At } from '#lib/domain/kernel/columns.ts'
import { dateOf } from '#lib/domain/kernel/time.ts'
import { encodeParquet } from '#lib/domain/lake/parquet/encode.ts'
import type { TableSchema } from '#lib/domain/lake/schema.ts'
import { KeyDictionary } from './key-dictionary.ts'
import type { LateBatch } from './read-entry.ts'
import { keyScaleOf, type ViewDefinition } from './view.ts'

/**
 * `<product>_late`: one row per view and event that came after its window could take it. The event itself is in the
 * curated table like any other, so what is computed from there has it.
 */
export const LATE_SCHEMA: TableSchema = {
  fields: [
    { id: 1, name: 'view', required: true, type: 'string' },
    { id: 2, name: 'key', required: true, type: 'string' },
    { id: 3, name: 'event_id', required: true, type: 'string' },
    { id: 4, name: 'event_source', required: true, type: 'string' },
    { id: 5, name: 'event_time', required: true, type: 'timestamptz' },
    { id: 6, name: 'arrival_time', required: true, type: 'timestamptz' },
    { id: 7, name: 'shard', required: true, type: 'string' },
    { id: 8, name: 'sequence_number', required: true, type: 'string' },
    { id: 9, name: 'event_index', required: true, type: 'int' },
    { id: 10, name: 'contract_version', required: true, type: 'string' },
  ],
}

/** A key of the position: whoever writes the late rows of an entry again, writes them over themselves. */
export function lateUri(
  { bucket, region }: ProductLayout,
  view: string,
  entry: JournalEntry,
  generation?: string,
): string {
  const prefix = generation === undefined ? 'late' : `generations/${generation}/late`
  const date = dateOf(entry.arrival.last)
  return `s3://${bucket}/${prefix}/region=${region}/date=${date}/${view}-${entry.shard}-${entry.last}.parquet`
}

export function encodeLateRows(
  { view, contract, name }: { view: ViewDefinition; contract: Contract; name: string },
  entry: JournalEntry,
  batches: readonly LateBatch[],
): { readonly bytes: Uint8Array; readonly rows: number } {
  const keys = new KeyDictionary(keyScaleOf(contract, view.key))
  const late = batches.flatMap(({ batch, rows }) => {
    const codes = keys.codesOf(batch.columns.get(view.key)!, batch.rows)
    const text = (column: string, row: number) => utf8At(batch.columns.get(column) as Utf8, row)
    const micros = (column: string, row: number) =>
      (batch.columns.get(column) as Int64).values[row]!
    return rows.map((row) => [
      name,
      keys.text(codes[row]!),
      text('event_id', row),
      text('event_source', row),
      micros(contract.eventTime, row),
      micros('ingest_time', row),
      entry.shard,
      text('ingest_sequence', row),
      (batch.columns.get('ingest_index') as Int32).values[row]!,
      entry.contractVersion,
    ])
  })
  const columns = LATE_SCHEMA.fields.map(({ name: column, type }, at): [string, Column] => [
    column,
    columnOf(
      type,
      late.map((values) => values[at]!),
    ),
  ])
  const rows = late.length
  return { bytes: encodeParquet(LATE_SCHEMA, { rows, columns: new Map(columns) }).bytes, rows }
}

type Utf8 = Extract<Column, { kind: 'utf8' }>
type Int64 = Extract<Column, { kind: 'int64' }>
type Int32 = Extract<Column, { kind: 'int32' }>
