import { PlatformError } from '../../kernel/errors.ts'
import type { ObjectRemover } from '../../kernel/object-remover.ts'
import type { ObjectSummary } from '../../kernel/object-store.ts'
import type { TableName } from '../catalog.ts'
import { FENCES_PROPERTY, type Fences } from '../fences.ts'
import { oldestFences } from '../snapshot-state.ts'
import { type SwapOptions, swapMetadata } from '../swap-metadata.ts'
import { type Lake, requireTable, type Table } from '../table.ts'
import { nextMetadata, nextTimestampMs } from '../transaction.ts'
import { referencedObjects } from './referenced-objects.ts'

/** Objects that no retained snapshot and nothing that waits names, as they were found. */
export interface OrphanPlan {
  readonly tableUuid: string
  readonly foundAtMs: number
  readonly orphans: readonly ObjectSummary[]
  readonly bytes: number
}

export interface OrphanOptions {
  /**
   * Files that wait to be committed by whoever has come as far as these fences, which are behind all retained
   * snapshots. Without fences, in a table that nobody commits to from a journal, it is not asked.
   */
  readonly waiting: (fences: Fences) => Promise<ReadonlySet<string>>
  /** What is younger may belong to a commit under way. At least a day. @default a day */
  readonly minAgeMs?: number
}

export interface RemoveOptions extends OrphanOptions {
  readonly remover: ObjectRemover
  /** How long readers may be at a snapshot that has expired: the plan must be that old. @default an hour */
  readonly readerGraceMs?: number
  readonly swap?: SwapOptions
}

export interface RemovalReport {
  readonly removed: number
  readonly bytes: number
  /** Objects of the plan that are wanted after all, or gone. */
  readonly spared: number
}

const DAY_MS = 24 * 3_600_000
const HOUR_MS = 3_600_000
/** Moves the table's version on, so that no attempt from before can still be applied. */
const REMOVED_AT_PROPERTY = 'weir.orphans-removed-at'

/**
 * What {@link removeOrphans} would remove: below the table's location, metadata and data files by their usual names that
 * nothing names and that are older than a day. Removes nothing.
 */
export async function findOrphans(
  lake: Lake,
  name: TableName,
  options: OrphanOptions,
): Promise<OrphanPlan> {
  const { table } = await requireTable(lake, name)
  const foundAtMs = lake.clock.nowMs()
  const isOrphan = await orphanTest(lake, table, options)
  const orphans: ObjectSummary[] = []
  for await (const object of lake.objects.list(`${table.location}/`)) {
    if (isOrphan(object)) orphans.push(object)
  }
  return {
    tableUuid: table.metadata['table-uuid'],
    foundAtMs,
    orphans,
    bytes: orphans.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
  }
}

/**
 * Removes the objects of a plan that are orphans still. It waits for nobody and may run beside commits:
 *
 * - what a retained snapshot names is spared, so that any of them can be read and be rolled back to;
 * - what waits past the fences of any of these is spared, since a rollback sends the journal back to there;
 * - what is younger than a day, or was written again since the plan, is spared: a file comes before what names it;
 * - before the first removal the table's version moves on: an attempt that was staged before, by a process that slept,
 *   cannot be applied any more, and starts again from what is there.
 *
 * Throws `lake.orphansTooFresh` (retryable) before the readers' grace is over.
 */
export async function removeOrphans(
  lake: Lake,
  name: TableName,
  plan: OrphanPlan,
  options: RemoveOptions,
): Promise<RemovalReport> {
  const { remover, readerGraceMs = HOUR_MS, swap } = options
  const { table: before } = await requireTable(lake, name)
  refusePlan(lake, before, plan, readerGraceMs)
  const { table } = await moveOn(lake, name, swap)
  const isOrphan = await orphanTest(lake, table, options)
  const planned = new Map(plan.orphans.map((orphan) => [orphan.uri, orphan]))
  let batch: ObjectSummary[] = []
  let [removed, bytes] = [0, 0]
  const flush = async () => {
    await remover.remove(batch.map(({ uri }) => uri))
    removed += batch.length
    bytes += batch.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
    batch = []
  }
  // Listed anew, and removed page by page: so what is known of an object is seconds old.
  for await (const object of lake.objects.list(`${table.location}/`)) {
    const isAsPlanned = planned.get(object.uri)?.lastModifiedMs === object.lastModifiedMs
    if (isAsPlanned && isOrphan(object)) batch.push(object)
    if (batch.length === REMOVALS_AT_ONCE) await flush()
  }
  if (batch.length > 0) await flush()
  return { removed, bytes, spared: plan.orphans.length - removed }
}

const REMOVALS_AT_ONCE = 1000

function refusePlan(lake: Lake, table: Table, plan: OrphanPlan, graceMs: number): void {
  const { database, name } = table.name
  if (plan.tableUuid !== table.metadata['table-uuid']) {
    throw new PlatformError('lake.otherTable', `the plan is not of ${database}.${name}`)
  }
  const waitMs = plan.foundAtMs + graceMs - lake.clock.nowMs()
  if (waitMs <= 0) return
  throw new PlatformError(
    'lake.orphansTooFresh',
    `readers may still be at what ${database}.${name} has let go: wait ${Math.ceil(waitMs / 60_000)} minutes`,
    { retryable: true, context: { waitMs } },
  )
}

async function moveOn(lake: Lake, name: TableName, swap: SwapOptions | undefined) {
  return await swapMetadata(
    lake,
    name,
    async ({ metadata, metadataLocation }) => {
      // Also after a lost answer, though it may have been applied: one more does no harm.
      const atMs = nextTimestampMs(metadata, lake.clock.nowMs())
      const properties = { [REMOVED_AT_PROPERTY]: String(atMs) }
      return nextMetadata(metadata, metadataLocation, [{ kind: 'setProperties', properties }], atMs)
    },
    swap,
  )
}

async function orphanTest(
  lake: Lake,
  table: Table,
  { waiting, minAgeMs = DAY_MS }: OrphanOptions,
): Promise<(object: ObjectSummary) => boolean> {
  const youngFromMs = lake.clock.nowMs() - Math.max(minAgeMs, DAY_MS)
  const referenced = await referencedObjects(lake.objects, table)
  const fences = behindAll(table)
  const needed = fences ? await waiting(fences) : []
  const wanted = new Set([...referenced, ...needed].map(withoutScheme))
  return ({ uri, lastModifiedMs }) =>
    lastModifiedMs < youngFromMs && isOurs(table, uri) && !wanted.has(withoutScheme(uri))
}

/** Engines call one object `s3://…`, `s3a://…` or `s3n://…`. */
function withoutScheme(uri: string): string {
  return uri.replace(/^\w+:\/\//, '')
}

/** Undefined for a table that nobody has ever set fences in. */
function behindAll(table: Table): Fences | undefined {
  const fences = oldestFences(table)
  if (fences) return fences
  if (table.properties[FENCES_PROPERTY] === undefined) return undefined
  throw new PlatformError(
    'lake.fencesUnproven',
    `nobody knows the fences of some snapshots of ${table.name.database}.${table.name.name}: remove orphans once they have expired`,
  )
}

/** What tables consist of, by the names that all engines give it; anything else is not ours to remove. */
function isOurs({ location }: Table, uri: string): boolean {
  const path = uri.slice(location.length)
  return (
    /^\/metadata\/[^/]+(?:\.metadata\.json(?:\.gz)?|\.gz\.metadata\.json|\.avro)$/.test(path) ||
    /^\/data\/.+\.parquet$/.test(path)
  )
}
