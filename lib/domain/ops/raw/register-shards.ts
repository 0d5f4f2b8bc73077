import type { Journal, ShardRegistration } from '#lib/domain/ingest/journal.ts'
import { closureOf, type ShardLineage } from '#lib/domain/ingest/lineage.ts'

export interface RegisteredShards {
  /** Those with raw objects, parents before children. */
  readonly inOrder: readonly ShardRegistration[]
  /** Those with raw that neither the stream nor the journal lists: whom they came from is not known. */
  readonly unlisted: readonly string[]
}

/**
 * Registers every shard that has raw objects or that the stream lists, unless it is. `startDates` are the dates of
 * the first raw objects, which a registration decided; a shard without one gets the newest of them, since nothing
 * lies at any date yet.
 */
export async function registerShards(
  journal: Journal,
  lineage: Pick<ShardLineage, 'parents'>,
  startDates: ReadonlyMap<string, string>,
): Promise<RegisteredShards> {
  const listed = await lineage.parents()
  const parents = new Map<string, readonly string[]>()
  for (const registration of await journal.shards()) {
    for (const [id, ids] of Object.entries(registration.lineage)) parents.set(id, ids)
  }
  for (const [id, ids] of listed) parents.set(id, ids)
  const unlisted = [...startDates.keys()].filter((shard) => !parents.has(shard)).sort()
  const newest = [...startDates.values()].sort().at(-1)
  const registrations: ShardRegistration[] = []
  for (const shard of [...new Set([...startDates.keys(), ...listed.keys()])].sort()) {
    const startDate = startDates.get(shard) ?? newest
    if (startDate === undefined) continue
    const registration = { shard, lineage: closureOf(parents, shard), startDate }
    const registered = await journal.register(registration)
    if (startDates.has(shard)) registrations.push(registered)
  }
  return { inOrder: parentsFirst(registrations), unlisted }
}

/** A child's ancestors are among its lineage, and it is in none of theirs. */
function parentsFirst(registrations: readonly ShardRegistration[]): readonly ShardRegistration[] {
  const depth = ({ shard, lineage }: ShardRegistration): number => {
    const of = (id: string): number => 1 + Math.max(0, ...(lineage[id] ?? []).map(of))
    return of(shard)
  }
  return [...registrations].sort((a, b) => depth(a) - depth(b) || (a.shard < b.shard ? -1 : 1))
}
