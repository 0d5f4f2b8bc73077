import type { Contract } from '#lib/domain/contract/contract.ts'
import type { Journal, JournalEntry } from '#lib/domain/ingest/journal.ts'
import { START } from '#lib/domain/kernel/sequence-number.ts'
import { MICROS_PER_SECOND, type Micros } from '#lib/domain/kernel/time.ts'
import { readFences } from '#lib/domain/lake/fences.ts'
import type { Table } from '#lib/domain/lake/table.ts'
import type { Cursor } from '#lib/domain/process/slot-store.ts'
import { type StreamProgress, viewWatermark } from '#lib/domain/process/view-watermark.ts'
import type { ReadinessEvidence } from './readiness.ts'

export interface ReadinessSources {
  readonly journal: Journal
  readonly stream: StreamProgress
}

const DAY = 86_400 * MICROS_PER_SECOND

/** How complete a curated table is up to a cut, from its fences, the journal and what the stream says. */
export async function gatherReadiness(
  sources: ReadinessSources,
  contract: Contract,
  table: Table,
  cut: Micros,
): Promise<ReadinessEvidence> {
  const { journal, stream } = sources
  // The table before the journal: what the journal has by then and the table has not is on its way.
  const fences = await readFences(table)
  const counts = { received: 0, admitted: 0, duplicate: 0, rejected: 0 }
  const cursors = new Map<string, Cursor>()
  const behind: string[] = []
  const live = await stream.parents()
  let isDrained = true
  for (const { shard } of await journal.shards()) {
    const fence = fences[shard] ?? START
    let head: JournalEntry | undefined
    let atFence: JournalEntry | undefined
    for await (const entry of journal.newestFirst(shard)) {
      head ??= entry
      if (entry.last === fence) atFence = entry
      const isRecent = entry.arrival.greatest >= cut - DAY
      if (isRecent) {
        for (const name of Object.keys(counts) as (keyof typeof counts)[]) {
          counts[name] += entry.counts[name]
        }
      }
      if (!isRecent && (atFence !== undefined || fence === START)) break
    }
    const last = head?.last ?? START
    if (last !== fence) behind.push(shard)
    if (last !== fence || (live.has(shard) && !(await stream.isIdle(shard, last))))
      isDrained = false
    const maxEventTime = atFence?.maxEventTimeAfter
    cursors.set(shard, { position: fence, ...(maxEventTime === undefined ? {} : { maxEventTime }) })
  }
  const bound = contract.outOfOrdernessSeconds * MICROS_PER_SECOND
  const lateness = { bound, allowed: 0, stateRetention: 0 }
  const watermark = await viewWatermark(sources, cursors, lateness)
  return {
    cut,
    watermark: Number.isFinite(watermark) ? watermark : null,
    isDrained,
    counts,
    behind: behind.sort(),
  }
}
