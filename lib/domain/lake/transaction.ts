import { PlatformError } from '../kernel/errors.ts'
import {
  expiredSnapshots,
  type Retention,
  withoutExpiredRefs,
  withoutSnapshots,
} from './expire-snapshots.ts'
import {
  MAIN,
  type SnapshotJson,
  type SnapshotRefJson,
  snapshotOf,
  type TableMetadata,
} from './table-metadata.ts'

/** One change of metadata. */
export type Update =
  | { readonly kind: 'addSnapshot'; readonly snapshot: SnapshotJson }
  | { readonly kind: 'setCurrentSnapshot'; readonly snapshotId: bigint }
  /** Sets a branch or tag other than the main one. */
  | { readonly kind: 'setRef'; readonly name: string; readonly ref: SnapshotRefJson }
  | { readonly kind: 'removeRef'; readonly name: string }
  | { readonly kind: 'setProperties'; readonly properties: Readonly<Record<string, string>> }
  | { readonly kind: 'removeProperties'; readonly keys: readonly string[] }
  /** Those that are not kept any more: by the table's properties, unless it is said otherwise. */
  | { readonly kind: 'expireSnapshots'; readonly retention?: Retention }

const DEFAULT_METADATA_LOG = 100

/**
 * The metadata that follows from a base, which stands at `baseLocation`. Pure; writes nothing. Time never
 * goes back: the new metadata is later than its base even if the clock is not.
 * Throws `lake.requirementFailed` for a snapshot that does not come after the base's.
 */
export function nextMetadata(
  base: TableMetadata,
  baseLocation: string,
  updates: readonly Update[],
  atMs: number,
): TableMetadata {
  const updated = updates.reduce((metadata, update) => apply(metadata, update, atMs), base)
  return { ...updated, 'last-updated-ms': atMs, 'metadata-log': logged(base, baseLocation) }
}

/** The time of the next change: the clock's, or just after the last change if the clock is behind it. */
export function nextTimestampMs(base: TableMetadata, nowMs: number): number {
  return Math.max(nowMs, base['last-updated-ms'] + 1)
}

function apply(base: TableMetadata, update: Update, atMs: number): TableMetadata {
  switch (update.kind) {
    case 'addSnapshot': {
      const { snapshot } = update
      if (
        snapshotOf(base, snapshot['snapshot-id']) ||
        snapshot['sequence-number'] <= base['last-sequence-number']
      ) {
        throw new PlatformError('lake.requirementFailed', 'the snapshot is not a new one', {
          retryable: true,
        })
      }
      return {
        ...base,
        'last-sequence-number': snapshot['sequence-number'],
        snapshots: [...base.snapshots, snapshot],
      }
    }
    case 'setCurrentSnapshot': {
      const id = update.snapshotId
      return {
        ...base,
        'current-snapshot-id': id,
        refs: { ...base.refs, [MAIN]: { ...base.refs[MAIN], 'snapshot-id': id, type: 'branch' } },
        'snapshot-log': [...base['snapshot-log'], { 'timestamp-ms': atMs, 'snapshot-id': id }],
      }
    }
    case 'setRef':
      return { ...base, refs: { ...base.refs, [update.name]: update.ref } }
    case 'removeRef': {
      const left = Object.entries(base.refs).filter(([name]) => name !== update.name)
      return { ...base, refs: Object.fromEntries(left) }
    }
    case 'setProperties':
      return { ...base, properties: { ...base.properties, ...update.properties } }
    case 'removeProperties': {
      const left = Object.entries(base.properties).filter(([key]) => !update.keys.includes(key))
      return { ...base, properties: Object.fromEntries(left) }
    }
    case 'expireSnapshots': {
      const current = withoutExpiredRefs(base, atMs)
      return withoutSnapshots(current, expiredSnapshots(current, atMs, update.retention))
    }
  }
}

/** Bounded, but what drops out is only forgotten: deleting the files is maintenance's to decide. */
function logged(base: TableMetadata, location: string): TableMetadata['metadata-log'] {
  const keep = Number(base.properties['write.metadata.previous-versions-max'])
  const log = [
    ...base['metadata-log'],
    { 'timestamp-ms': base['last-updated-ms'], 'metadata-file': location },
  ]
  return log.slice(-(Number.isInteger(keep) && keep > 0 ? keep : DEFAULT_METADATA_LOG))
}
