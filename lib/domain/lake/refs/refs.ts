import { PlatformError } from '../../kernel/errors.ts'
import type { TableName } from '../catalog.ts'
import { type SwapOptions, type SwapResult, swapMetadata } from '../swap-metadata.ts'
import type { Lake, Table } from '../table.ts'
import { MAIN, type SnapshotRefJson, snapshotOf } from '../table-metadata.ts'
import { nextMetadata, nextTimestampMs, type Update } from '../transaction.ts'

/** How long a branch or tag is kept, and what of a branch; what is not said is as the table's properties have it. */
export interface RefRetention {
  /** From the time of the snapshot that it names. */
  readonly maxRefAgeMs?: number
  /** Of a branch only. */
  readonly maxSnapshotAgeMs?: number
  readonly minSnapshotsToKeep?: number
}

export interface CreateRefOptions extends RefRetention {
  /** @default the one that the table is at */
  readonly snapshotId?: bigint
  readonly swap?: SwapOptions
}

/**
 * Where a branch left the main one, and what of it was published: properties, since the snapshots that would tell expire.
 */
export function branchProperties(branch: string): Readonly<Record<'from' | 'published', string>> {
  return { from: `weir.branch.${branch}.from`, published: `weir.branch.${branch}.published` }
}

/** Takes a branch or tag away with all that is known of it. */
export function removal(ref: string): readonly Update[] {
  return [
    { kind: 'removeRef', name: ref },
    { kind: 'removeProperties', keys: Object.values(branchProperties(ref)) },
  ]
}

/** A branch or tag as people look at it. */
export interface NamedRef extends RefRetention {
  readonly name: string
  readonly type: 'branch' | 'tag'
  readonly snapshotId: bigint
  /** Of its snapshot; undefined if the table has it no longer. */
  readonly timestampMs?: number
}

/** The table's branches and tags, the main branch first. */
export function namedRefs({ metadata }: Table): readonly NamedRef[] {
  const { refs, 'current-snapshot-id': current } = metadata
  const main: [string, SnapshotRefJson][] =
    refs[MAIN] || current === undefined ? [] : [[MAIN, { 'snapshot-id': current, type: 'branch' }]]
  return [...main, ...Object.entries(refs)]
    .toSorted(([a], [b]) => Number(b === MAIN) - Number(a === MAIN) || (a < b ? -1 : 1))
    .map(([name, ref]) => {
      const snapshot = snapshotOf(metadata, ref['snapshot-id'])
      return {
        name,
        type: ref.type,
        snapshotId: ref['snapshot-id'],
        ...(snapshot && { timestampMs: snapshot['timestamp-ms'] }),
        ...retentionOf(ref),
      }
    })
}

function retentionOf(ref: SnapshotRefJson): RefRetention {
  return {
    ...(ref['max-ref-age-ms'] !== undefined && { maxRefAgeMs: ref['max-ref-age-ms'] }),
    ...(ref['max-snapshot-age-ms'] !== undefined && {
      maxSnapshotAgeMs: ref['max-snapshot-age-ms'],
    }),
    ...(ref['min-snapshots-to-keep'] !== undefined && {
      minSnapshotsToKeep: ref['min-snapshots-to-keep'],
    }),
  }
}

/**
 * Creates a branch, or leaves the one that is there with this snapshot and retention. Commits may be made to it (`branch` of
 * `commit`) and published later; until then nobody sees them who does not ask for the branch. Throws `lake.refExists` for
 * another one of that name, `lake.snapshotGone`, `lake.badRef`.
 */
export async function createBranch(
  lake: Lake,
  name: TableName,
  branch: string,
  options: CreateRefOptions = {},
): Promise<SwapResult> {
  return await createRef(lake, name, branch, 'branch', options)
}

/** Gives a snapshot a name, and keeps it: it stays whatever expires. Throws as `createBranch`. */
export async function createTag(
  lake: Lake,
  name: TableName,
  tag: string,
  options: Omit<CreateRefOptions, 'maxSnapshotAgeMs' | 'minSnapshotsToKeep'> = {},
): Promise<SwapResult> {
  return await createRef(lake, name, tag, 'tag', options)
}

/**
 * Takes a branch or tag away; its snapshots expire like any that nothing names. Nothing happens if there is none. Throws
 * `lake.badRef` for the main branch, or if it is of the other kind.
 */
export async function dropRef(
  lake: Lake,
  name: TableName,
  ref: string,
  type: SnapshotRefJson['type'],
  swap: SwapOptions = {},
): Promise<SwapResult> {
  refuseName(ref)
  return await swapMetadata(
    lake,
    name,
    async (table) => {
      const found = table.metadata.refs[ref]
      if (found === undefined) return undefined
      if (found.type !== type) throw badRef(`${ref} is a ${found.type}, no ${type}`)
      return withUpdates(lake, table, removal(ref))
    },
    swap,
  )
}

async function createRef(
  lake: Lake,
  name: TableName,
  ref: string,
  type: SnapshotRefJson['type'],
  options: CreateRefOptions,
): Promise<SwapResult> {
  refuseName(ref)
  let wanted: SnapshotRefJson | undefined
  return await swapMetadata(
    lake,
    name,
    async (table) => {
      // Chosen once: a repeat after a lost answer must not move it to what has come in meanwhile.
      wanted ??= refOf(table, type, options)
      const found = table.metadata.refs[ref]
      if (found && isSame(found, wanted)) return undefined
      if (found) throw refExists(table, ref, found)
      requireRetained(table, wanted['snapshot-id'])
      const { from, published } = branchProperties(ref)
      const properties = { [from]: String(wanted['snapshot-id']) }
      return withUpdates(lake, table, [
        { kind: 'setRef', name: ref, ref: wanted },
        { kind: 'removeProperties', keys: [from, published] },
        ...(type === 'branch' ? ([{ kind: 'setProperties', properties }] as const) : []),
      ])
    },
    options.swap,
  )
}

function refOf(
  { currentSnapshot, name }: Table,
  type: SnapshotRefJson['type'],
  options: CreateRefOptions,
): SnapshotRefJson {
  const { snapshotId = currentSnapshot?.snapshotId } = options
  if (snapshotId === undefined) {
    throw badRef(`${name.database}.${name.name} has no snapshot yet that a ${type} could name`)
  }
  const { maxRefAgeMs, maxSnapshotAgeMs, minSnapshotsToKeep } = options
  const isBranch = type === 'branch'
  return {
    'snapshot-id': snapshotId,
    type,
    ...positive('max-ref-age-ms', maxRefAgeMs),
    ...(isBranch && positive('max-snapshot-age-ms', maxSnapshotAgeMs)),
    ...(isBranch && positive('min-snapshots-to-keep', minSnapshotsToKeep)),
  }
}

function positive(key: string, value: number | undefined): Partial<SnapshotRefJson> {
  if (value === undefined) return {}
  if (Number.isSafeInteger(value) && value > 0) return { [key]: value }
  throw badRef(`${key} is a positive whole number, not ${value}`)
}

function isSame(left: SnapshotRefJson, right: SnapshotRefJson): boolean {
  const plain = (ref: SnapshotRefJson) =>
    JSON.stringify(
      Object.entries(ref)
        .map(([key, value]) => [key, String(value)])
        .toSorted(([a], [b]) => (a! < b! ? -1 : 1)),
    )
  return plain(left) === plain(right)
}

function requireRetained({ metadata, name }: Table, id: bigint): void {
  if (snapshotOf(metadata, id)) return
  throw new PlatformError(
    'lake.snapshotGone',
    `${name.database}.${name.name} has no snapshot ${id}: it may have expired`,
  )
}

/** The metadata after these updates, which make no snapshot. */
export function withUpdates(lake: Lake, table: Table, updates: readonly Update[]) {
  const { metadata, metadataLocation } = table
  const atMs = nextTimestampMs(metadata, lake.clock.nowMs())
  return nextMetadata(metadata, metadataLocation, updates, atMs)
}

function refuseName(ref: string): void {
  if (ref === MAIN) throw badRef('the main branch is the table itself: choose another name')
  if (/^[\p{L}\p{N}][\p{L}\p{N}_.\-/]{0,254}$/u.test(ref)) return
  throw badRef(
    `"${ref}" is no name of a branch or tag: letters, digits, and _ . - / behind the first`,
  )
}

function refExists({ name }: Table, ref: string, found: SnapshotRefJson): PlatformError {
  return new PlatformError(
    'lake.refExists',
    `${name.database}.${name.name} has a ${found.type} ${ref} already, of snapshot ${found['snapshot-id']}`,
    { context: { ref } },
  )
}

export function badRef(message: string): PlatformError {
  return new PlatformError('lake.badRef', message)
}
