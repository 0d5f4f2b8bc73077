import type { Journal } from '#lib/domain/ingest/journal.ts'
import type { ShardLineage } from '#lib/domain/ingest/lineage.ts'
import type { Predecessor } from '#lib/domain/kernel/sequence-number.ts'
import { type Lateness, watermarkAfter } from './lateness.ts'
import type { Cursor, SlotStore } from './slot-store.ts'

/** What the stream says about records that nobody has read yet. */
export interface StreamProgress extends Pick<ShardLineage, 'parents'> {
  /** Whether the shard, open or closed, holds no record after this position. */
  isIdle(shard: string, after: Predecessor): Promise<boolean>
}

/** Where each shard's journal is in a view's slots. */
export type Cursors = ReadonlyMap<string, Cursor>

export interface WatermarkSources {
  readonly journal: Journal
  readonly slots: SlotStore
  readonly stream: StreamProgress
}

/** All cursors of a view, of every shard that the journal knows; strongly consistent. */
export async function cursorsOf(
  { journal, slots }: Pick<WatermarkSources, 'journal' | 'slots'>,
  view: string,
): Promise<Cursors> {
  const shards = await journal.shards()
  const cursors = await Promise.all(
    shards.map(async ({ shard }) => [shard, await slots.cursor(view, shard)] as const),
  )
  return new Map(cursors)
}

/**
 * The event time up to which a view is complete: the minimum over its shards of what their entries up to the cursor
 * have shown, less the bound on disorder. −∞ while a shard has shown nothing.
 *
 * A shard steps aside only if the stream says so: nothing of it and of its ancestors lies between the stream and the
 * cursor. Silence is no proof, because a shard whose store is down is silent too. A shard that has not had a record
 * yet counts with its parents' time until it is known to be empty. If all shards are idle, all open ones count that
 * ever had a record, or whose parents had: the watermark stays where the slowest of them was, and never jumps.
 *
 * @param cursors read before this is called, strongly consistent
 */
export async function viewWatermark(
  { journal, stream }: Pick<WatermarkSources, 'journal' | 'stream'>,
  cursors: Cursors,
  lateness: Lateness,
): Promise<number> {
  const registered = await journal.shards()
  const live = await stream.parents()
  const parents = new Map<string, readonly string[]>()
  for (const { lineage } of registered) {
    for (const [shard, ids] of Object.entries(lineage)) parents.set(shard, ids)
  }
  for (const [shard, ids] of live) parents.set(shard, ids)

  // The head after the cursor: if they are equal, nothing lay between them when the head was read.
  const heads = new Map<string, Predecessor>()
  for (const { shard } of registered) {
    heads.set(shard, (await journal.head(shard))?.last ?? 'start')
  }

  const done = new Map<string, Promise<boolean>>()
  const isDone = (shard: string): Promise<boolean> => {
    const known = done.get(shard)
    if (known !== undefined) return known
    const asked = (async () => {
      const head = heads.get(shard) ?? 'start'
      if ((cursors.get(shard)?.position ?? 'start') !== head) return false
      // What the stream has forgotten it has nothing of.
      if (live.has(shard) && !(await stream.isIdle(shard, head))) return false
      for (const parent of parents.get(shard) ?? []) if (!(await isDone(parent))) return false
      return true
    })()
    done.set(shard, asked)
    return asked
  }

  const timeOf = (shard: string): number => {
    const cursor = cursors.get(shard)
    if (cursor !== undefined && cursor.position !== 'start') {
      return watermarkAfter(lateness, cursor.maxEventTime)
    }
    const inherited = (parents.get(shard) ?? []).map(timeOf)
    return inherited.length === 0 ? Number.NEGATIVE_INFINITY : Math.min(...inherited)
  }

  const shards = [...new Set([...cursors.keys(), ...live.keys()])]
  const active: string[] = []
  for (const shard of shards) if (!(await isDone(shard))) active.push(shard)
  const counted =
    active.length > 0 ? active : openShards(live).filter((one) => Number.isFinite(timeOf(one)))
  if (counted.length === 0) return Number.NEGATIVE_INFINITY
  return Math.min(...counted.map(timeOf))
}

/** Those that may still get records: a shard with children is closed. */
function openShards(live: ReadonlyMap<string, readonly string[]>): readonly string[] {
  const closed = new Set([...live.values()].flat())
  return [...live.keys()].filter((shard) => !closed.has(shard))
}
