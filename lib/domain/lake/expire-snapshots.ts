import { FENCES_PROPERTY, fencesSetBy } from './fences.ts'
import {
  MAIN,
  type SnapshotJson,
  type SnapshotRefJson,
  snapshotOf,
  type TableMetadata,
} from './table-metadata.ts'

/**
 * Which snapshots of a branch stay, from the newest on: so many, and those that were current so short a time ago. Not
 * those that were made then: a snapshot may be current for a week, and be read when the next one comes.
 */
export interface Retention {
  readonly atLeast: number
  readonly currentWithinMs: number
}

/** Iceberg's own names, which other engines go by too. */
export const MIN_SNAPSHOTS = 'history.expire.min-snapshots-to-keep'
export const MAX_AGE_MS = 'history.expire.max-snapshot-age-ms'
export const MAX_REF_AGE_MS = 'history.expire.max-ref-age-ms'

/** Iceberg's defaults, for tables that do not say. */
const DEFAULT_RETENTION: Retention = { atLeast: 1, currentWithinMs: 5 * 24 * 3_600_000 }

/**
 * Snapshots of one branch may take so many bytes of metadata; older ones go, whatever the properties say. Glue refuses
 * metadata of more than 20 MB, and a table that cannot be committed to is worse than a short history.
 */
const MOST_BYTES = 8_000_000

/**
 * The snapshots that nothing keeps: no branch or tag, not the properties, and not the fences: the one that set the
 * table's stays, and so does what leads from a snapshot without any to its nearest ancestor that has some.
 */
export function expiredSnapshots(
  metadata: TableMetadata,
  nowMs: number,
  retention = retentionOf(metadata.properties),
): ReadonlySet<bigint> {
  const history = new History(metadata)
  const kept = new Set<bigint>()
  const inRefs = new Set<bigint>()
  for (const ref of refsOf(metadata)) {
    for (const { 'snapshot-id': id } of history.from(ref['snapshot-id'])) inRefs.add(id)
    for (const { 'snapshot-id': id } of keptByRef(history, ref, retention, nowMs)) kept.add(id)
  }
  for (const snapshot of metadata.snapshots) {
    const id = snapshot['snapshot-id']
    // Left behind by a rollback: as good as any other until it is old.
    const isYoung = snapshot['timestamp-ms'] > nowMs - retention.currentWithinMs
    if (!inRefs.has(id) && isYoung) kept.add(id)
  }
  for (const id of history.towardsFences(kept)) kept.add(id)
  // Where somebody rolled back behind the fences, this is the one that they may want to go forward to again: commits wait
  // for that, however long it takes.
  const setter = fencesSetBy(metadata.properties)
  if (setter !== undefined) kept.add(setter)
  return new Set(metadata.snapshots.flatMap(({ 'snapshot-id': id }) => (kept.has(id) ? [] : id)))
}

/** The metadata without these snapshots and without what tells of them alone. */
export function withoutSnapshots(
  metadata: TableMetadata,
  expired: ReadonlySet<bigint>,
): TableMetadata {
  if (expired.size === 0) return metadata
  const stays = (one: { readonly 'snapshot-id': bigint }) => !expired.has(one['snapshot-id'])
  // What was current before a gap is forgotten too: the log would call another snapshot current meanwhile.
  const log = metadata['snapshot-log']
  const { statistics, 'partition-statistics': partitions } = metadata
  return {
    ...metadata,
    snapshots: metadata.snapshots.filter(stays),
    'snapshot-log': log.slice(log.findLastIndex((entry) => !stays(entry)) + 1),
    ...(statistics && { statistics: statistics.filter(stays) }),
    ...(partitions && { 'partition-statistics': partitions.filter(stays) }),
  }
}

/**
 * The metadata without branches and tags whose time is over: their own, or else the table's, counted from the snapshot that
 * they name. What a snapshot's loss has left without any goes too; the main branch stays.
 */
export function withoutExpiredRefs(metadata: TableMetadata, nowMs: number): TableMetadata {
  const ofTable = natural(metadata.properties[MAX_REF_AGE_MS])
  const stays = ([name, ref]: readonly [string, SnapshotRefJson]) => {
    if (name === MAIN) return true
    const snapshot = snapshotOf(metadata, ref['snapshot-id'])
    const mostMs = ref['max-ref-age-ms'] ?? ofTable
    if (snapshot === undefined) return false
    return mostMs === undefined || nowMs - snapshot['timestamp-ms'] <= mostMs
  }
  const left = Object.entries(metadata.refs).filter(stays)
  if (left.length === Object.keys(metadata.refs).length) return metadata
  return { ...metadata, refs: Object.fromEntries(left) }
}

/** What the table's properties say, or else Iceberg's defaults. */
export function retentionOf(properties: Readonly<Record<string, string>>): Retention {
  return {
    atLeast: natural(properties[MIN_SNAPSHOTS]) ?? DEFAULT_RETENTION.atLeast,
    currentWithinMs: natural(properties[MAX_AGE_MS]) ?? DEFAULT_RETENTION.currentWithinMs,
  }
}

function natural(text: string | undefined): number | undefined {
  return /^\d{1,15}$/.test(text ?? '') ? Number(text) : undefined
}

/** Some engines write no refs as long as there is only the main branch. */
function refsOf({
  refs,
  'current-snapshot-id': current,
}: TableMetadata): readonly SnapshotRefJson[] {
  const main = current === undefined ? [] : [{ 'snapshot-id': current, type: 'branch' as const }]
  return [...(refs[MAIN] ? [] : main), ...Object.values(refs)]
}

function keptByRef(
  history: History,
  ref: SnapshotRefJson,
  table: Retention,
  nowMs: number,
): readonly SnapshotJson[] {
  const retention = {
    atLeast: ref['min-snapshots-to-keep'] ?? table.atLeast,
    currentWithinMs: ref['max-snapshot-age-ms'] ?? table.currentWithinMs,
  }
  const kept: SnapshotJson[] = []
  let [bytes, currentUntilMs] = [0, Number.POSITIVE_INFINITY]
  for (const snapshot of history.from(ref['snapshot-id'])) {
    bytes += sizeOf(snapshot)
    const isRecent = currentUntilMs > nowMs - retention.currentWithinMs
    const isWanted = isRecent || kept.length < retention.atLeast
    // The first one always: it is where the branch stands.
    if (kept.length > 0 && (!isWanted || bytes > MOST_BYTES)) break
    kept.push(snapshot)
    currentUntilMs = snapshot['timestamp-ms']
    if (ref.type === 'tag') break
  }
  return kept
}

/** About what it takes in metadata.json, its line in the log included. */
function sizeOf(snapshot: SnapshotJson): number {
  let bytes = 400 + snapshot['manifest-list'].length
  for (const [key, value] of Object.entries(snapshot.summary))
    bytes += key.length + value.length + 6
  return bytes
}

/** The snapshots by where they came from. */
class History {
  readonly #byId: ReadonlyMap<bigint, SnapshotJson>

  constructor({ snapshots }: TableMetadata) {
    this.#byId = new Map(snapshots.map((snapshot) => [snapshot['snapshot-id'], snapshot]))
  }

  /** The snapshot and its ancestors as far as they are there, newest first. */
  *from(id: bigint): Iterable<SnapshotJson> {
    const seen = new Set<bigint>()
    let next = this.#byId.get(id)
    while (next && !seen.has(next['snapshot-id'])) {
      seen.add(next['snapshot-id'])
      yield next
      const parent = next['parent-snapshot-id']
      // Some engines write null for a first snapshot's parent.
      next = typeof parent === 'bigint' ? this.#byId.get(parent) : undefined
    }
  }

  /** The ancestors from which the snapshots have their fences: none of one that has its own, or has none at all. */
  towardsFences(ids: Iterable<bigint>): ReadonlySet<bigint> {
    const leads = new Map<bigint, boolean>()
    for (const id of ids) {
      const path: bigint[] = []
      let hasFences = false
      for (const { 'snapshot-id': at, summary } of this.from(id)) {
        path.push(at)
        hasFences = leads.get(at) ?? summary[FENCES_PROPERTY] !== undefined
        if (hasFences || leads.has(at)) break
      }
      for (const at of path) leads.set(at, hasFences)
    }
    return new Set([...leads].flatMap(([id, hasFences]) => (hasFences ? id : [])))
  }
}
