import { zstdDecompressSync } from 'node:zlib'
import { utf8At } from '#lib/domain/kernel/columns.ts'
import { decodeParquet } from '#lib/domain/lake/parquet/decode.ts'
import { type SealedCell, SHARD } from './sealed-product.ts'

const QUARANTINE_TEXTS = ['event', 'detail', 'event_id', 'reason', 'path']
/** Text columns of the table. */
export const CURATED_TEXTS = [
  'event_id',
  'event_source',
  'key',
  'rider_id',
  'rider_name',
  'rider_email',
]
const SECRETS = ['Planted', 'planted', 'UGxhbnRlZ', 'cGxhbnRlZ']

/** Where a planted value stands in a store in the clear, however it is packed. */
export async function leaks(cell: SealedCell): Promise<string[]> {
  const found: string[] = []
  for (const [uri, bytes] of await cell.content()) {
    const texts = [bytes.toString('latin1')]
    if (bytes.readUInt32LE() === 0xfd2fb528) {
      texts.push(zstdDecompressSync(bytes).toString('utf8'))
    }
    if (uri.endsWith('.parquet')) {
      const names = uri.includes('/quarantine/') ? QUARANTINE_TEXTS : CURATED_TEXTS
      const { columns, rows } = await decodeParquet(bytes, names)
      for (const column of columns.values()) {
        if (column.kind !== 'utf8') continue
        for (let row = 0; row < rows; row++) texts.push(utf8At(column, row))
      }
    }
    for (const secret of SECRETS) {
      if (texts.some((text) => text.includes(secret))) found.push(`${secret} in ${uri}`)
    }
  }
  const journal = JSON.stringify(await cell.journal.entriesAfter(SHARD, 'start', 1_000))
  const keys = JSON.stringify(cell.keys.table.all())
  return [...found, ...SECRETS.filter((secret) => (journal + keys).includes(secret))]
}
