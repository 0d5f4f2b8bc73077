import type { Journal, JournalEntry } from '#lib/domain/ingest/journal.ts'
import { isAfter, type SequenceNumber } from '#lib/domain/kernel/sequence-number.ts'
import { FENCES_PROPERTY, type Fences } from '#lib/domain/lake/fences.ts'
import type { Snapshot } from '#lib/domain/lake/table.ts'

interface Advance {
  readonly fence: SequenceNumber
  readonly committedAtMs: number
}

/** When each position became readable: from the fences that every snapshot carries in its summary. */
export class CommitTimes {
  readonly #advances = new Map<string, Advance[]>()

  /** `snapshots`: oldest first, as far as the table retains them. */
  constructor(snapshots: readonly Snapshot[]) {
    for (const { summary, timestampMs } of snapshots) {
      const text = summary[FENCES_PROPERTY]
      if (text === undefined) continue
      for (const [shard, fence] of Object.entries(JSON.parse(text) as Fences)) {
        const advances = this.#advances.get(shard) ?? []
        const last = advances.at(-1)
        if (last === undefined || isAfter(fence as SequenceNumber, last.fence)) {
          advances.push({ fence: fence as SequenceNumber, committedAtMs: timestampMs })
        }
        this.#advances.set(shard, advances)
      }
    }
  }

  /** Milliseconds of the first retained snapshot that holds the position; undefined if none does yet. */
  of(shard: string, position: SequenceNumber): number | undefined {
    const advances = this.#advances.get(shard) ?? []
    let [low, high] = [0, advances.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if (isAfter(position, advances[middle]!.fence)) low = middle + 1
      else high = middle
    }
    return advances[low]?.committedAtMs
  }
}

/** The committed entry with the newest arrival, over all shards; undefined if nothing was committed. */
export async function newestCommitted(
  journal: Journal,
  fences: Fences,
): Promise<JournalEntry | undefined> {
  let newest: JournalEntry | undefined
  for (const [shard, fence] of Object.entries(fences)) {
    for await (const entry of journal.newestFirst(shard)) {
      if (isAfter(entry.last, fence)) continue
      if (newest === undefined || entry.arrival.max > newest.arrival.max) newest = entry
      break
    }
  }
  return newest
}

/** A value and how many rows have it. */
export interface Weighted {
  readonly value: number
  readonly weight: number
}

/** The smallest value that at least this share of the rows does not exceed; undefined without rows. */
export function quantile(values: readonly Weighted[], share: number): number | undefined {
  const sorted = values.filter((one) => one.weight > 0).sort((a, b) => a.value - b.value)
  const total = sorted.reduce((sum, one) => sum + one.weight, 0)
  let passed = 0
  for (const { value, weight } of sorted) {
    passed += weight
    if (passed >= share * total) return value
  }
  return undefined
}
