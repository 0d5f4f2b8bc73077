import type { Journal, ShardRegistration } from './journal.ts'

/** What the stream knows of its shards: the parents of each (none, one after a split, two after a merge). */
export interface ShardLineage {
  parents(): Promise<ReadonlyMap<string, readonly string[]>>
}

/**
 * The shard's registration, made at its first batch. Its lineage is the closure of all ancestors, also of
 * those that never had a record; the stream forgets closed shards after its retention, so what earlier
 * registrations know is taken over.
 */
export async function shardRegistration(
  journal: Journal,
  stream: ShardLineage,
  shard: string,
  startDate: string,
): Promise<ShardRegistration> {
  const known = await journal.registration(shard)
  if (known !== undefined) return known
  const [live, registered] = await Promise.all([stream.parents(), journal.shards()])
  const parents = new Map<string, readonly string[]>()
  for (const registration of registered) {
    for (const [id, ids] of Object.entries(registration.lineage)) parents.set(id, ids)
  }
  for (const [id, ids] of live) parents.set(id, ids)

  const lineage: Record<string, readonly string[]> = {}
  const next = [shard]
  for (let id = next.pop(); id !== undefined; id = next.pop()) {
    if (lineage[id] !== undefined) continue
    const ids = parents.get(id) ?? []
    lineage[id] = ids
    next.push(...ids)
  }
  return journal.register({ shard, lineage, startDate })
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
