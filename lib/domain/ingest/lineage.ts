import { PlatformError } from '#lib/domain/kernel/errors.ts'
import { type Predecessor, START } from '#lib/domain/kernel/sequence-number.ts'
import type { Journal, ShardRegistration } from './journal.ts'

/** What the stream knows of its shards. */
export interface ShardLineage {
  /** Every shard that the stream lists, with its parents: none, one after a split, two after a merge. */
  parents(): Promise<ParentsByShard>
  /** Whether the shard is closed and holds no record after the position: nothing of it can come any more. */
  isDrained(shard: string, after: Predecessor): Promise<boolean>
}

export type ParentsByShard = ReadonlyMap<string, readonly string[]>

/**
 * The shard's registration. Its lineage is the closure of all ancestors, also of those that never had a record. The
 * stream forgets closed shards after its retention: so whenever it is asked, every shard that it lists is registered,
 * and what earlier registrations know is taken over.
 *
 * A child is not judged before its parents are: what they admitted decides what is a duplicate in it. Throws
 * `lineage.parentNotDrained` until they are, and `lineage.shardUnknown` for a shard that the stream does not list, whose
 * parents nobody knows; both are retryable, and the mapping repeats the batch.
 */
export async function shardRegistration(
  journal: Journal,
  stream: ShardLineage,
  shard: string,
  startDate: string,
): Promise<ShardRegistration> {
  const known = await journal.registration(shard)
  if (known !== undefined && (await mayGoOn(journal, known))) return known
  const listed = await stream.parents()
  if (listed.get(shard) === undefined) {
    throw new PlatformError(
      'lineage.shardUnknown',
      `the stream does not list shard ${shard} yet, so its parents are not known: the batch waits`,
      { retryable: true, context: { shard } },
    )
  }
  const registration = known ?? (await register(journal, listed, shard, startDate))
  for (const parent of parentsOf(registration, shard)) {
    await requireDrained(journal, stream, registration, listed, parent)
  }
  return registration
}

/** A shard without parents has nobody to wait for, and one with entries has waited. */
async function mayGoOn(journal: Journal, registration: ShardRegistration): Promise<boolean> {
  const { shard } = registration
  return parentsOf(registration, shard).length === 0 || (await journal.head(shard)) !== undefined
}

/** Registers all that the stream lists; the shard itself last, since nobody asks again once it is there. */
async function register(
  journal: Journal,
  listed: ParentsByShard,
  shard: string,
  startDate: string,
): Promise<ShardRegistration> {
  const registered = await journal.shards()
  const parents = new Map<string, readonly string[]>()
  for (const { lineage } of registered) {
    for (const [id, ids] of Object.entries(lineage)) parents.set(id, ids)
  }
  for (const [id, ids] of listed) parents.set(id, ids)
  const done = new Set(registered.map((one) => one.shard))
  for (const other of listed.keys()) {
    if (other === shard || done.has(other)) continue
    await journal.register({ shard: other, lineage: closureOf(parents, other), startDate })
  }
  return journal.register({ shard, lineage: closureOf(parents, shard), startDate })
}

/** A shard's parents, and those of all its ancestors. */
export function closureOf(parents: ParentsByShard, shard: string): ShardRegistration['lineage'] {
  const lineage: Record<string, readonly string[]> = {}
  const next = [shard]
  for (let id = next.pop(); id !== undefined; id = next.pop()) {
    if (lineage[id] !== undefined) continue
    const ids = parents.get(id) ?? []
    lineage[id] = ids
    next.push(...ids)
  }
  return lineage
}

/** A shard with entries has waited for its own parents; one without stands for them. */
async function requireDrained(
  journal: Journal,
  stream: ShardLineage,
  registration: ShardRegistration,
  listed: ParentsByShard,
  ancestor: string,
): Promise<void> {
  const head = await journal.head(ancestor)
  // What the stream has forgotten is as old as its retention: nothing of it can come any more.
  if (listed.has(ancestor) && !(await stream.isDrained(ancestor, head?.last ?? START))) {
    throw new PlatformError(
      'lineage.parentNotDrained',
      `shard ${registration.shard} waits for shard ${ancestor}, which it came from and which has records that are not in the journal`,
      { retryable: true, context: { shard: registration.shard, ancestor } },
    )
  }
  if (head !== undefined) return
  for (const parent of parentsOf(registration, ancestor)) {
    await requireDrained(journal, stream, registration, listed, parent)
  }
}

function parentsOf({ lineage }: ShardRegistration, shard: string): readonly string[] {
  return lineage[shard] ?? []
}

/**
 * The maximum event time that a shard starts with: its parent's last, at a merge the smaller parent's.
 * A parent without entries stands for its own parents. Undefined if nothing was admitted before.
 */
export async function inheritedMaxEventTime(
  journal: Journal,
  registration: ShardRegistration,
): Promise<number | undefined> {
  const lastOf = async (shard: string): Promise<number | undefined> => {
    const head = await journal.head(shard)
    return head === undefined ? fromParents(shard) : head.maxEventTimeAfter
  }
  const fromParents = async (shard: string): Promise<number | undefined> => {
    const parents = registration.lineage[shard] ?? []
    const times = await Promise.all(parents.map(lastOf))
    if (times.length === 0 || times.includes(undefined)) return undefined
    return Math.min(...(times as number[]))
  }
  return fromParents(registration.shard)
}
