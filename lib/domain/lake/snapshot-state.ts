import { isAfter, type Predecessor, START } from '../kernel/sequence-number.ts'
import {
  FENCES_PROPERTY,
  type Fences,
  fencesIn,
  fencesProperty,
  fencesSummary,
  readFences,
} from './fences.ts'
import type { Snapshot, Table } from './table.ts'

/** Of properties that belong to the rows, such as fences or a watermark: they stand in the snapshot's summary too. */
const OWN_PREFIX = 'weir.'
/** Which these are, for a table that was rolled back to before it had one of them. */
const STATE_PROPERTY = 'weir.state'

/**
 * What a snapshot that moves no fence sets all the same: fences and the like as they are, by its own name. So the
 * snapshot that moved them may expire, and every snapshot knows those that it stands at. Nothing for a table without
 * fences. Throws what `readFences` throws.
 */
export async function carriedState(table: Table) {
  if (table.properties[FENCES_PROPERTY] === undefined) return undefined
  const fences = await readFences(table)
  const state = stateKeys(table).flatMap((key) => {
    const value = table.properties[key]
    return value === undefined ? [] : [[key, value] as const]
  })
  return {
    summary: { ...Object.fromEntries(state), ...fencesSummary(fences) },
    properties: (snapshotId: bigint) => fencesProperty(snapshotId, fences),
  }
}

/** What a snapshot on a branch says of itself beside its counts: the fences and the like of the one that it comes from. */
export function inheritedState(table: Table, parentId: bigint): Readonly<Record<string, string>> {
  const summary = knowing(table, parentId)?.summary
  if (summary === undefined) return {}
  const keys = [FENCES_PROPERTY, ...stateKeys(table)]
  return Object.fromEntries(
    keys.flatMap((key) => (summary[key] === undefined ? [] : [[key, summary[key]!]])),
  )
}

/** The fences that a retained snapshot stands at; undefined if nobody knows them, or there are none. */
export function fencesAt(table: Table, snapshotId: bigint): Fences | undefined {
  const snapshot = knowing(table, snapshotId)
  return snapshot && fencesIn(snapshot.summary)
}

/** The properties that a table had when it stood at a snapshot: what to set, and what to take away. */
export interface SnapshotState {
  readonly properties: Readonly<Record<string, string>>
  readonly removed: readonly string[]
}

/** Undefined if the table has fences and nobody knows those of the snapshot. */
export function stateAt(table: Table, snapshotId: bigint): SnapshotState | undefined {
  if (table.properties[FENCES_PROPERTY] === undefined) return { properties: {}, removed: [] }
  const summary = knowing(table, snapshotId)?.summary
  const fences = summary && fencesIn(summary)
  if (!fences) return undefined
  const keys = stateKeys(table)
  const there = keys.filter((key) => summary[key] !== undefined)
  return {
    properties: {
      ...Object.fromEntries(there.map((key) => [key, summary[key]!])),
      ...fencesProperty(snapshotId, fences),
      ...(keys.length > 0 && { [STATE_PROPERTY]: keys.join() }),
    },
    removed: keys.filter((key) => summary[key] === undefined),
  }
}

/**
 * The fences behind all of the table's retained snapshots, per shard: whatever the journal has past them may still be
 * wanted, should one of the snapshots become the table again. Undefined if those of one are not known.
 */
export function oldestFences(table: Table): Fences | undefined {
  const all = table.snapshots.map(({ snapshotId }) => {
    const snapshot = knowing(table, snapshotId)
    return snapshot && fencesIn(snapshot.summary)
  })
  const known = all.filter((fences) => fences !== undefined)
  if (known.length < all.length) return undefined
  const shards = new Set(known.flatMap((fences) => Object.keys(fences)))
  return Object.fromEntries(
    [...shards].map((shard) => [
      shard,
      known.map((fences) => fences[shard] ?? START).reduce((a, b) => (isBefore(a, b) ? a : b)),
    ]),
  )
}

function isBefore(left: Predecessor, right: Predecessor): boolean {
  return right !== START && isAfter(right, left)
}

/** Where a snapshot's fences stand: in its own summary, or in that of its nearest ancestor that has some. */
function knowing({ snapshots }: Table, snapshotId: bigint): Snapshot | undefined {
  const byId = new Map(snapshots.map((snapshot) => [snapshot.snapshotId, snapshot]))
  let at = byId.get(snapshotId)
  // A chain cannot be longer than there are snapshots.
  for (let steps = byId.size; at && steps > 0; steps--) {
    if (at.summary[FENCES_PROPERTY] !== undefined) return at
    at = at.parentSnapshotId === undefined ? undefined : byId.get(at.parentSnapshotId)
  }
  return undefined
}

/** Properties beside the fences that any snapshot's summary tells of. */
function stateKeys({ properties, snapshots }: Table): readonly string[] {
  const told = new Set(snapshots.flatMap(({ summary }) => Object.keys(summary)))
  const own = Object.keys(properties).filter((key) => key.startsWith(OWN_PREFIX) && told.has(key))
  const before = properties[STATE_PROPERTY]?.split(',') ?? []
  return [...new Set([...before, ...own])].filter((key) => key !== FENCES_PROPERTY).toSorted()
}
