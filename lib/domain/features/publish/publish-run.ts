import type { ContractVersions } from '#lib/domain/contract/contract-versions.ts'
import { tableNameOf } from '#lib/domain/contract/table-columns.ts'
import type { ProductLayout } from '#lib/domain/ingest/layout.ts'
import { PlatformError } from '#lib/domain/kernel/errors.ts'
import { isoOf, type Micros } from '#lib/domain/kernel/time.ts'
import { type Lake, loadTable, loadTableAt } from '#lib/domain/lake/table.ts'
import type { GenerationStore } from '#lib/domain/process/generations/generation-store.ts'
import { servingView } from '#lib/domain/process/generations/generations.ts'
import type { ViewDefinition } from '#lib/domain/process/view.ts'
import { type BatchView, batchViewOf, type KeyPanes, mergedKeys } from '../batch/batch-states.ts'
import { CHUNK_CONTENT_TYPE, decodeKeyPanes, encodeKeyPanes } from '../batch/chunk-file.ts'
import { computeChunk } from '../batch/compute-chunk.ts'
import { type BatchChunk, type BatchLimits, planBatch } from '../batch/plan-batch.ts'
import { checksumOf, type ItemsOf } from './buffer-items.ts'
import type { FeatureAudit } from './feature-audit.ts'
import type { FeatureBuffers } from './feature-buffers.ts'
import { gatherReadiness, type ReadinessSources } from './gather-readiness.ts'
import type { PublicationStore } from './publications.ts'
import { type BuiltView, claimBuffer, makeLive } from './publish.ts'
import { assessReadiness, type Readiness, type RowCounts } from './readiness.ts'
import {
  type ChunkDone,
  chunkPrefix,
  jsonBytes,
  type PlannedView,
  partCountUri,
  planUri,
  type RunPlan,
  readJson,
  requireJson,
} from './run-objects.ts'
import { countPart, type PartCount, writePart } from './write-part.ts'

export interface PublishRunDependencies extends ReadinessSources {
  readonly lake: Lake
  readonly contracts: ContractVersions
  readonly views: readonly ViewDefinition[]
  readonly generations: GenerationStore
  readonly store: PublicationStore
  readonly buffers: FeatureBuffers
  readonly audit: FeatureAudit
  readonly layout: ProductLayout
  /** Glue database of the cell. */
  readonly database: string
  readonly limits?: BatchLimits
  /** Whether time is up: asked between pieces of work, of which each call does one at least. */
  readonly shallStop?: () => boolean
}

/** What a run goes through, in this order. */
export const PUBLISH_PHASES = ['plan', 'compute', 'write', 'count', 'gate', 'point'] as const
export type PublishPhase = (typeof PUBLISH_PHASES)[number]

/** How far a run is: what a step is given, and what it hands to the next one. */
export interface PublishRun {
  /** Its name, the same for all of its steps. */
  readonly run: string
  readonly by: string
  /** Rows of event time before this are published, RFC 3339. @default the last midnight, UTC */
  readonly cut?: string
  /** Names of views. @default all that are published */
  readonly views?: readonly string[]
  /** Why it is published though it is not ready. */
  readonly override?: string
  readonly phase: PublishPhase | 'done'
  /** Pieces of work of this phase that are done. */
  readonly at: number
  readonly done: boolean
  /** Nothing can be done yet: call again after so many seconds. */
  readonly waitSeconds: number
}

const WAIT_SECONDS = 60
const DAY_MS = 86_400_000

/**
 * Does the next piece of a run and answers how far it is. Whatever dies may be called again with what it was given: the
 * plan is decided once, states and items are functions of it, and the change-over is one conditional write. So a run
 * that was killed anywhere and resumed ends with the same bytes as one that was not.
 *
 * Throws `features.notReady` if the data is not what it should be and nobody has overridden that.
 */
export async function publishStep(
  deps: PublishRunDependencies,
  run: PublishRun,
): Promise<PublishRun> {
  switch (run.phase) {
    case 'plan':
      return planned(deps, run)
    case 'compute':
      return worked(deps, run, chunksOf, computePiece)
    case 'write':
      return worked(deps, run, partsOf, writePiece)
    case 'count':
      return worked(deps, run, partsOf, countPiece, sealAll)
    case 'gate':
      return gated(deps, run)
    case 'point':
      return pointed(deps, run)
    case 'done':
      return run
  }
}

/** Whether the view has results of its own beside the stream's: a running total misses nothing there. */
export function isPublished({ window, serving }: ViewDefinition): boolean {
  return serving === 'batch' || window.kind !== 'running'
}

async function planned(deps: PublishRunDependencies, run: PublishRun): Promise<PublishRun> {
  const uri = planUri(deps.layout, run.run)
  const known = await readJson<RunPlan>(deps.lake.objects, uri)
  if (known !== undefined) return next(run)
  const { clock, objects } = deps.lake
  const nowMs = clock.nowMs()
  const cut = cutOf(run, nowMs)
  const views: PlannedView[] = []
  for (const view of await viewsOf(deps, run)) {
    const name = { database: deps.database, name: tableNameOf(view.contract) }
    const table = await loadTable(deps.lake, name)
    if (table === undefined) continue
    const evidence = await gatherReadiness(deps, view.contract, table, cut)
    const readiness = assessReadiness(evidence, nowMs)
    if (readiness.state === 'waiting' && run.override === undefined) {
      return { ...run, waitSeconds: WAIT_SECONDS }
    }
    if (run.override === undefined) await refuseUnready(deps, run, view, readiness)
    views.push({
      view: view.view.name,
      name: view.name,
      definition: view.definition,
      table: name.name,
      metadataLocation: table.metadataLocation,
      snapshotId:
        table.currentSnapshot === undefined ? null : String(table.currentSnapshot.snapshotId),
      batch: await planBatch(objects, table, view, { to: cut }, deps.limits),
      evidence,
    })
  }
  const plan: RunPlan = { run: run.run, by: run.by, cut, computedAtMs: nowMs, views }
  // Whoever was quicker has decided: the next step reads what is there.
  await objects.putIfAbsent(uri, jsonBytes(plan), { contentType: 'application/json' })
  return next(run)
}

/** The last midnight, unless somebody says otherwise; never what is still to come. */
function cutOf({ cut }: PublishRun, nowMs: number): Micros {
  const atMs = cut === undefined ? Math.floor(nowMs / DAY_MS) * DAY_MS : Date.parse(cut)
  if (Number.isNaN(atMs) || atMs > nowMs) {
    throw new PlatformError(
      'features.badCut',
      `the cut ${cut} is no time that has been: write 2019-02-01`,
    )
  }
  return atMs * 1000
}

async function viewsOf(
  deps: PublishRunDependencies,
  { views: wanted }: PublishRun,
): Promise<readonly BatchView[]> {
  const unknown = wanted?.find((name) => !deps.views.some((view) => view.name === name))
  if (unknown !== undefined) {
    const known = deps.views.map(({ name }) => name).join(', ')
    throw new PlatformError('features.unknownView', `no view "${unknown}": known are ${known}`)
  }
  // What readers are answered by: after a switch of generations that may be another definition than is deployed.
  const generations = (await deps.generations.load())?.generations
  return deps.views.flatMap(({ name }) => {
    if (wanted !== undefined && !wanted.includes(name)) return []
    const view = servingView(generations, deps, name)!.view
    return isPublished(view) ? [batchViewOf(view, deps.contracts)] : []
  })
}

/** A piece of work and what it takes. */
interface Piece {
  readonly of: PlannedView
  readonly view: BatchView
  readonly chunk?: BatchChunk
  readonly part?: number
}

type Enumerate = (plan: RunPlan, view: (of: PlannedView) => BatchView) => readonly Piece[]

const chunksOf: Enumerate = ({ views }, view) =>
  views.flatMap((of) => of.batch.chunks.map((chunk) => ({ of, view: view(of), chunk })))

const partsOf: Enumerate = ({ views }, view) =>
  views.flatMap((of) =>
    Array.from({ length: of.batch.parts }, (_, part) => ({ of, view: view(of), part })),
  )

async function worked(
  deps: PublishRunDependencies,
  run: PublishRun,
  enumerate: Enumerate,
  work: (deps: PublishRunDependencies, plan: RunPlan, piece: Piece) => Promise<void>,
  after?: (deps: PublishRunDependencies, plan: RunPlan) => Promise<void>,
): Promise<PublishRun> {
  const plan = await planOf(deps, run)
  const views = await plannedViews(deps, plan)
  const pieces = enumerate(plan, (of) => views.get(of.name)!)
  let { at } = run
  while (at < pieces.length) {
    await work(deps, plan, pieces[at]!)
    at++
    if (at < pieces.length && deps.shallStop?.()) return { ...run, at, waitSeconds: 0 }
  }
  await after?.(deps, plan)
  return next(run)
}

async function planOf({ lake, layout }: PublishRunDependencies, { run }: PublishRun) {
  return requireJson<RunPlan>(lake.objects, planUri(layout, run))
}

/** The views as they were planned. Throws `features.redefined` if one means something else by now. */
async function plannedViews(
  deps: PublishRunDependencies,
  plan: RunPlan,
): Promise<ReadonlyMap<string, BatchView>> {
  const names = plan.views.map(({ view }) => view)
  const known = names.filter((name) => deps.views.some((view) => view.name === name))
  const views = await viewsOf(deps, { ...BEGUN, run: plan.run, by: '', views: known })
  return new Map(
    plan.views.map((planned) => {
      const view = views.find((one) => one.name === planned.name)
      if (view?.definition === planned.definition) return [planned.name, view]
      throw new PlatformError(
        'features.redefined',
        `${planned.view} means something else than when run ${plan.run} began: begin a run anew`,
      )
    }),
  )
}

async function computePiece(
  deps: PublishRunDependencies,
  _plan: RunPlan,
  { of, view, chunk }: Piece,
): Promise<void> {
  const { objects } = deps.lake
  const prefix = chunkPrefix(deps.layout, view, of.batch, chunk!)
  if ((await readJson<ChunkDone>(objects, `${prefix}/done.json`)) !== undefined) return
  const name = { database: deps.database, name: of.table }
  const table = await loadTableAt(deps.lake, name, of.metadataLocation)
  const maxRows = deps.limits?.maxRows
  const source = { objects, table, view, ...(maxRows === undefined ? {} : { maxRows }) }
  let rows = 0
  for await (const part of computeChunk(source, of.batch, chunk!)) {
    rows = part.rows
    const options = { contentType: CHUNK_CONTENT_TYPE }
    await objects.put(`${prefix}/${part.part}.ndjson`, encodeKeyPanes(view, part.keys), options)
  }
  // Last: it says that all parts are there.
  await objects.put(`${prefix}/done.json`, jsonBytes({ rows }), { contentType: 'application/json' })
}

async function keysOf(
  { lake, layout }: PublishRunDependencies,
  { of, view, part }: Piece,
): Promise<readonly KeyPanes[]> {
  const states: (readonly KeyPanes[])[] = []
  for (const chunk of of.batch.chunks) {
    const uri = `${chunkPrefix(layout, view, of.batch, chunk)}/${part}.ndjson`
    states.push(decodeKeyPanes(uri, view, await lake.objects.get(uri)))
  }
  return mergedKeys(view, states)
}

async function itemsOf(
  deps: PublishRunDependencies,
  { run, cut, computedAtMs }: RunPlan,
  { view }: Piece,
): Promise<ItemsOf> {
  const stored = (await deps.store.load())?.publications.byView[view.name]
  if (stored?.building?.run !== run) {
    throw new PlatformError(
      'features.publishLost',
      `${view.name}: run ${run} has no buffer any more: it was abandoned, or another run took its place`,
    )
  }
  return { view, building: stored.building, cut, computedAtMs }
}

async function writePiece(
  deps: PublishRunDependencies,
  plan: RunPlan,
  piece: Piece,
): Promise<void> {
  const { lake, layout } = deps
  if (await isLive(deps, plan, piece.of)) return
  // Only once: a run that was abandoned meanwhile must not go on under another version.
  if (piece.part === 0) {
    const { run, by } = plan
    await claimBuffer(deps, { view: piece.of.name, run, by, nowMs: lake.clock.nowMs() })
  }
  const count = await writePart(
    deps.buffers,
    await itemsOf(deps, plan, piece),
    await keysOf(deps, piece),
  )
  const uri = partCountUri(layout, plan.run, piece.of.name, piece.part!)
  await lake.objects.put(uri, jsonBytes(count), { contentType: 'application/json' })
}

async function countPiece(
  deps: PublishRunDependencies,
  plan: RunPlan,
  piece: Piece,
): Promise<void> {
  if (await isLive(deps, plan, piece.of)) return
  const written = await partCount(deps, plan, piece.of, piece.part!)
  const found = await countPart(
    deps.buffers,
    await itemsOf(deps, plan, piece),
    await keysOf(deps, piece),
  )
  if (found.keys === written.keys && found.digest === written.digest) return
  throw new PlatformError(
    'features.bufferIncomplete',
    `${piece.of.view}: part ${piece.part} of its buffer has ${found.keys} keys, ${written.keys} were written${found.keys === written.keys ? ', and they differ' : ''}: begin a run anew`,
  )
}

/** A step that comes again after its run has come to its end finds nothing to do. */
async function isLive({ store }: PublishRunDependencies, { run }: RunPlan, { name }: PlannedView) {
  return (await store.load())?.publications.byView[name]?.live?.run === run
}

async function partCount(
  { lake, layout }: PublishRunDependencies,
  { run }: RunPlan,
  { name }: PlannedView,
  part: number,
): Promise<PartCount> {
  return requireJson<PartCount>(lake.objects, partCountUri(layout, run, name, part))
}

async function builtOf(deps: PublishRunDependencies, plan: RunPlan): Promise<readonly BuiltView[]> {
  const built: BuiltView[] = []
  for (const of of plan.views) {
    const counts: PartCount[] = []
    for (let part = 0; part < of.batch.parts; part++)
      counts.push(await partCount(deps, plan, of, part))
    built.push({
      view: of.name,
      definition: of.definition,
      cut: plan.cut,
      keys: counts.reduce((sum, { keys }) => sum + keys, 0),
      checksum: checksumOf(counts.map(({ digest }) => digest)),
      snapshotId: of.snapshotId,
    })
  }
  return built
}

async function sealAll(deps: PublishRunDependencies, plan: RunPlan): Promise<void> {
  const stored = (await deps.store.load())?.publications.byView
  for (const { view, keys, checksum } of await builtOf(deps, plan)) {
    const building = stored?.[view]?.building
    if (building?.run !== plan.run) continue
    const { buffer, version } = building
    await deps.buffers.putSeal({ view, buffer, version, state: 'whole', keys, checksum })
  }
}

async function gated(deps: PublishRunDependencies, run: PublishRun): Promise<PublishRun> {
  const plan = await planOf(deps, run)
  const views = await plannedViews(deps, plan)
  for (const planned of plan.views) {
    const view = views.get(planned.name)!
    const rows = await rowCounts(deps, view, planned)
    const readiness = assessReadiness(planned.evidence, Number.POSITIVE_INFINITY, rows)
    if (run.override === undefined) await refuseUnready(deps, run, view, readiness)
    const record = { view: view.name, run: run.run, by: run.by, atMs: plan.computedAtMs }
    if (readiness.state === 'ready' || run.override === undefined) {
      await deps.audit.record({ kind: 'readiness', ...record, checks: readiness.checks })
    } else {
      const { override: reason } = run
      await deps.audit.record({ kind: 'override', ...record, reason, checks: readiness.checks })
    }
  }
  return next(run)
}

async function rowCounts(
  { lake, layout }: PublishRunDependencies,
  view: BatchView,
  { batch }: PlannedView,
): Promise<RowCounts> {
  const counts: { from: Micros; to: Micros; rows: number }[] = []
  for (const chunk of batch.chunks) {
    const uri = `${chunkPrefix(layout, view, batch, chunk)}/done.json`
    const { rows } = await requireJson<ChunkDone>(lake.objects, uri)
    counts.push({ from: chunk.from, to: chunk.to, rows })
  }
  return counts
}

async function refuseUnready(
  { audit, lake }: PublishRunDependencies,
  { run, by }: PublishRun,
  { name }: BatchView,
  { state, checks }: Readiness,
): Promise<void> {
  if (state === 'ready') return
  await audit.record({ kind: 'readiness', view: name, run, by, atMs: lake.clock.nowMs(), checks })
  const failed = checks.filter(({ ok }) => !ok).map((one) => `${one.name}: ${one.detail}`)
  throw new PlatformError(
    'features.notReady',
    `${name}: ${failed.join('; ')}. Readers get what they got before. If it has to be: \`weir features publish --run ${run} --override "<why>"\``,
  )
}

async function pointed(deps: PublishRunDependencies, run: PublishRun): Promise<PublishRun> {
  const plan = await planOf(deps, run)
  const nowMs = deps.lake.clock.nowMs()
  const built = await builtOf(deps, plan)
  const { byView } = await makeLive(deps, built, { run: run.run, by: run.by, nowMs })
  for (const { view, keys, cut } of built) {
    const live = byView[view]?.live
    if (live?.run !== run.run) continue
    await deps.audit.record({
      ...{ kind: 'published', view, run: run.run, by: run.by, atMs: live.publishedAtMs },
      detail: `version ${live.version} in buffer ${live.buffer}: ${keys} keys up to ${isoOf(cut)}`,
    })
  }
  return { ...run, phase: 'done', at: 0, done: true, waitSeconds: 0 }
}

/** Where a run begins. */
export const BEGUN = { phase: 'plan', at: 0, done: false, waitSeconds: 0 } as const

function next(run: PublishRun): PublishRun {
  const phase = PUBLISH_PHASES[PUBLISH_PHASES.indexOf(run.phase as PublishPhase) + 1]!
  return { ...run, phase, at: 0, waitSeconds: 0 }
}
