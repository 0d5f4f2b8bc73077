import type { DecodedRecords } from '#lib/domain/ingest/decoder/decoded-records.ts'
import { type Column, isNull, utf8At } from '#lib/domain/kernel/columns.ts'
import type { PushedColumns } from './peers.ts'

/** Whether both found the same rows with the same values, and refused as many. */
export function sameAnswer(ours: DecodedRecords, theirs: PushedColumns): boolean {
  if (ours.rejected.length !== theirs.rejected) return false
  if (ours.batch.columns.size !== theirs.columns.size) return false
  for (const [name, values] of theirs.columns) {
    const column = ours.batch.columns.get(name)
    if (column === undefined || values.length !== ours.batch.rows) return false
    if (values.some((value, row) => value !== valueAt(column, row))) return false
  }
  return true
}

function valueAt(column: Column, row: number): number | string | null {
  if (isNull(column, row)) return null
  if (!('values' in column)) return column.kind === 'utf8' ? utf8At(column, row) : column.kind
  return Number(column.values[row])
}
