import type { Journal } from '#lib/domain/ingest/journal.ts'
import { isAfter, type Predecessor, START } from '#lib/domain/kernel/sequence-number.ts'
import type { Fences } from '#lib/domain/lake/fences.ts'
import type { StreamReader } from './stream-reader.ts'

/** The newest position of each shard at some moment. */
export type StreamTips = ReadonlyMap<string, Predecessor>

/** Where the stream ends now: what arrives later is not waited for. */
export async function streamTips(stream: StreamReader, journal: Journal): Promise<StreamTips> {
  const tips = new Map<string, Predecessor>()
  for (const shard of await stream.shards()) {
    const head = (await journal.head(shard))?.last
    let tip: Predecessor = head ?? START
    for await (const records of stream.pages(shard, head)) tip = records.at(-1)?.sequence ?? tip
    tips.set(shard, tip)
  }
  return tips
}

/** Whether every event up to the tips is in the tables, as far as it was admitted. */
export function isSettled(tips: StreamTips, fences: Fences): boolean {
  return [...tips].every(([shard, tip]) => tip === START || !isAfter(tip, fences[shard] ?? START))
}
