import { type ColumnBatch, takeRows } from '#lib/domain/kernel/columns.ts'
import { KeyDictionary, NO_KEY } from '#lib/domain/process/key-dictionary.ts'
import { keyScaleOf } from '#lib/domain/process/view.ts'
import type { BatchView } from './batch-states.ts'

/** The part that a key belongs to. Stable for ever: chunks of different days are put together by it. */
export function partOf(key: string, parts: number): number {
  let hash = 0x811c9dc5
  for (const byte of Buffer.from(key)) hash = Math.imul(hash ^ byte, 0x01000193)
  // The low bits of this hash are the weaker ones.
  return ((hash ^ (hash >>> 15)) >>> 0) % parts
}

/** The rows whose keys belong to wanted parts; rows without a key belong to none. */
export function rowsOfParts(
  { view, contract }: BatchView,
  batch: ColumnBatch,
  parts: number,
  isWanted: (part: number) => boolean,
): ColumnBatch {
  const keys = new KeyDictionary(keyScaleOf(contract, view.key))
  const codes = keys.codesOf(batch.columns.get(view.key)!, batch.rows)
  const wanted = new Map<number, boolean>()
  const rows: number[] = []
  for (let row = 0; row < batch.rows; row++) {
    const code = codes[row]!
    if (code === NO_KEY) continue
    let isOne = wanted.get(code)
    if (isOne === undefined) {
      isOne = isWanted(partOf(keys.text(code), parts))
      wanted.set(code, isOne)
    }
    if (isOne) rows.push(row)
  }
  return rows.length === batch.rows ? batch : takeRows(batch, Int32Array.from(rows))
}
