import type { Predecessor } from '../../kernel/sequence-number.ts'
import { type Fences, fencesIn } from '../fences.ts'
import { OPERATION } from '../snapshot-summary.ts'
import type { Snapshot, Table } from '../table.ts'

/** One retained snapshot, as its summary tells of it. */
export interface HistoryEntry {
  readonly snapshotId: bigint
  readonly timestampMs: number
  /** Iceberg's word: append, overwrite, replace or delete. */
  readonly operation: string
  /** `compaction` or `manifests` where maintenance made it; also `delete`, `overwrite` and `publish`. */
  readonly maintenance?: string
  /** `Weir`, or the engine as far as its summary names one. */
  readonly writer: string
  readonly isCurrent: boolean
  /** Whether the current snapshot is this one or came from it; false for what a rollback left behind. */
  readonly isAncestor: boolean
  readonly added: Counts
  readonly removed: Counts
  /** Shards whose fence this snapshot moved; undefined where its parent's are not known any more. */
  readonly fencesMoved?: readonly MovedFence[]
}

export interface Counts {
  readonly rows: number
  readonly files: number
}

export interface MovedFence {
  readonly shard: string
  /** Absent if the parent had none. */
  readonly from?: Predecessor
  readonly to: Predecessor
}

/** The retained snapshots, newest first. */
export function snapshotHistory(table: Table): readonly HistoryEntry[] {
  const byId = new Map(table.snapshots.map((snapshot) => [snapshot.snapshotId, snapshot]))
  const current = table.currentSnapshot?.snapshotId
  return table.snapshots
    .toSorted((a, b) => b.sequenceNumber - a.sequenceNumber)
    .map((snapshot) => {
      const { snapshotId, timestampMs, summary } = snapshot
      const fencesMoved = movedFences(byId, snapshot)
      return {
        snapshotId,
        timestampMs,
        operation: summary.operation ?? 'unknown',
        ...(summary[OPERATION] !== undefined && { maintenance: summary[OPERATION] }),
        writer: writerOf(summary),
        isCurrent: snapshotId === current,
        isAncestor: table.isAncestor(snapshotId),
        added: counts(summary, 'added-records', 'added-data-files'),
        removed: counts(summary, 'deleted-records', 'deleted-data-files'),
        ...(fencesMoved && { fencesMoved }),
      }
    })
}

/** Who made a snapshot: Weir's summaries tell fences or the maintenance; engines name themselves, or do not. */
export function writerOf(summary: Readonly<Record<string, string>>): string {
  const engine = summary['engine-name']
  if (engine !== undefined) return [engine, summary['engine-version']].join(' ').trim()
  if (summary.trino_query_id !== undefined) return 'Trino or Athena'
  if (summary['spark.app.id'] !== undefined) return 'Spark'
  return Object.keys(summary).some((key) => key.startsWith('weir.')) ? 'Weir' : 'another engine'
}

function counts(summary: Readonly<Record<string, string>>, rows: string, files: string): Counts {
  return { rows: Number(summary[rows] ?? 0), files: Number(summary[files] ?? 0) }
}

function movedFences(
  byId: ReadonlyMap<bigint, Snapshot>,
  { summary, parentSnapshotId }: Snapshot,
): readonly MovedFence[] | undefined {
  const after = fencesIn(summary)
  // Another engine's snapshot moves none.
  if (after === undefined) return []
  const before = fencesBefore(byId, parentSnapshotId)
  if (before === undefined) return undefined
  return Object.entries(after).flatMap(([shard, to]) => {
    const from = before[shard]
    return from === to ? [] : [{ shard, ...(from !== undefined && { from }), to }]
  })
}

function fencesBefore(
  byId: ReadonlyMap<bigint, Snapshot>,
  parent: bigint | undefined,
): Fences | undefined {
  let at = parent
  // A chain cannot be longer than there are snapshots.
  for (let steps = byId.size; at !== undefined && steps >= 0; steps--) {
    const snapshot = byId.get(at)
    if (snapshot === undefined) return undefined
    const fences = fencesIn(snapshot.summary)
    if (fences !== undefined) return fences
    at = snapshot.parentSnapshotId
  }
  return {}
}
