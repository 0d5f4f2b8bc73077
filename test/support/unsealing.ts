import { isNull, utf8At } from '#lib/domain/kernel/columns.ts'
import { parseSequenceNumber } from '#lib/domain/kernel/sequence-number.ts'
import { decodeParquet } from '#lib/domain/lake/parquet/decode.ts'
import { type SealedRow, unseal } from '#lib/domain/privacy/unseal.ts'
import type { SealedCell } from './sealed-product.ts'

/** Every row of the table by its event's id, as a query gives them. */
export async function rowsOf(cell: SealedCell): Promise<Map<string, SealedRow>> {
  const rows = new Map<string, SealedRow>()
  for (const [uri, bytes] of await cell.content()) {
    if (!uri.includes('/table/')) continue
    const names = ['event_id', 'ingest_shard', 'ingest_sequence', 'ingest_index', 'rider_id']
    const { columns, rows: count } = await decodeParquet(bytes, names)
    for (let row = 0; row < count; row++) {
      const text = (name: string) => {
        const column = columns.get(name)!
        if (column.kind !== 'utf8') throw new Error(name)
        return isNull(column, row) ? '' : utf8At(column, row)
      }
      const index = columns.get('ingest_index')!
      if (index.kind !== 'int32') throw new Error('index')
      rows.set(text('event_id'), {
        shard: text('ingest_shard'),
        sequence: parseSequenceNumber(text('ingest_sequence')),
        index: index.values[row]!,
        token: text('rider_id'),
      })
    }
  }
  return rows
}

/** Unseals rows with the keys as they are. */
export function opening(cell: SealedCell, rows: readonly SealedRow[]) {
  const { contracts, journal, objects, keys } = cell
  return unseal({ contracts, journal, objects, table: keys.table, subjects: keys.subjects() }, rows)
}
