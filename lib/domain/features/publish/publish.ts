import { PlatformError } from '#lib/domain/kernel/errors.ts'
import { isoOf, type Micros } from '#lib/domain/kernel/time.ts'
import type { FeatureBuffers } from './feature-buffers.ts'
import {
  type Building,
  NO_PUBLICATIONS,
  otherBuffer,
  type Publication,
  type PublicationStore,
  type Publications,
  type ViewPublications,
} from './publications.ts'

const ATTEMPTS = 20
/** A run that has not come to an end by then is taken for dead, and another one may take its place. */
export const BUILD_LEASE_MS = 6 * 3_600_000

export interface Claim {
  /** The view's state name. */
  readonly view: string
  readonly run: string
  readonly by: string
  readonly nowMs: number
}

/**
 * Gives the buffer that nobody reads to a run, with a version of its own; a repeat gets the same. What could be put back
 * until now is gone with it. Throws `features.publishing` while another run has it: after six hours that is taken for
 * dead, and since every item says its version, a run that wakes up again overwrites nothing.
 */
export async function claimBuffer(
  { store, buffers }: { readonly store: PublicationStore; readonly buffers: FeatureBuffers },
  { view, run, by, nowMs }: Claim,
): Promise<Building> {
  const publications = await changePublications(store, (current) => {
    const known = current.byView[view] ?? { lastVersion: 0 }
    const { building, live, previous: _, ...rest } = known
    if (building?.run === run) return current
    if (building !== undefined && nowMs - building.beganAtMs < BUILD_LEASE_MS) {
      throw new PlatformError(
        'features.publishing',
        `${view}: run ${building.run} (${building.by}) is publishing since ${isoOf(building.beganAtMs * 1000)}: wait for it, or stop it with \`weir features publish --abandon ${building.run}\``,
        { context: { run: building.run } },
      )
    }
    const version = known.lastVersion + 1
    const begun = { run, version, buffer: otherBuffer(live), beganAtMs: nowMs, by }
    return withView(current, view, {
      ...rest,
      ...(live && { live }),
      lastVersion: version,
      building: begun,
    })
  })
  const { building } = publications.byView[view]!
  // Before the first item: whoever asks later whether the buffer is whole must not be told of what it was before.
  const { buffer, version } = building!
  const seal = await buffers.seal(view, buffer)
  if (seal === undefined || seal.version < version) {
    await buffers.putSeal({ view, buffer, version, state: 'filling', keys: 0, checksum: '' })
  }
  return building!
}

/** Takes the buffer back from a run that is not wanted any more. Readers see nothing of it. */
export async function abandonBuild(
  store: PublicationStore,
  view: string,
  run: string,
): Promise<void> {
  await changePublications(store, (current) => {
    const known = current.byView[view]
    if (known?.building?.run !== run) return current
    const { building: _, ...rest } = known
    return withView(current, view, rest)
  })
}

/** What a run has computed of a view, written and counted. */
export interface BuiltView {
  /** The view's state name. */
  readonly view: string
  readonly definition: string
  readonly cut: Micros
  readonly keys: number
  readonly checksum: string
  readonly snapshotId: string | null
}

/**
 * Lets readers have what a run has written: one conditional write, of all the views together. A repeat changes nothing.
 *
 * Throws `features.bufferIncomplete` if a buffer is not what was counted, `features.publishLost` if another run has taken
 * its place, `features.olderCut` if what readers get is of a later cut.
 */
export async function makeLive(
  { store, buffers }: { readonly store: PublicationStore; readonly buffers: FeatureBuffers },
  built: readonly BuiltView[],
  { run, by, nowMs }: Omit<Claim, 'view'>,
): Promise<Publications> {
  // From the store, not from memory: the run may have died and gone on elsewhere since it counted.
  const seals = new Map<string, Awaited<ReturnType<FeatureBuffers['seal']>>>()
  const buildings = (await store.load())?.publications.byView ?? {}
  for (const { view } of built) {
    const building = buildings[view]?.building
    if (building?.run === run) seals.set(view, await buffers.seal(view, building.buffer))
  }
  return changePublications(store, (current) => {
    let next = current
    for (const one of built) {
      const known = next.byView[one.view]
      if (known?.live?.run === run) continue
      const building = requireBuilding(known, one.view, run)
      const seal = seals.get(one.view)
      const isWhole =
        seal?.state === 'whole' &&
        seal.version === building.version &&
        seal.keys === one.keys &&
        seal.checksum === one.checksum
      if (!isWhole) throw incomplete(one.view, building)
      refuseOlder(known?.live, one)
      const { definition, cut, keys, checksum, snapshotId } = one
      const { buffer, version } = building
      const live: Publication = {
        ...{ buffer, version, definition, cut, keys, checksum, snapshotId },
        ...{ publishedAtMs: nowMs, run, by },
      }
      next = withView(next, one.view, {
        lastVersion: known!.lastVersion,
        live,
        ...(known?.live && { previous: known.live }),
      })
    }
    return next
  })
}

/**
 * Puts the publication before back, in one write; a second time brings back the one that was left. Throws
 * `features.noPrevious` if its buffer has been given to another run since, or was not left whole.
 */
export async function rollBackPublication(
  { store, buffers }: { readonly store: PublicationStore; readonly buffers: FeatureBuffers },
  view: string,
): Promise<Publication> {
  const before = (await store.load())?.publications.byView[view]?.previous
  const seal = before && (await buffers.seal(view, before.buffer))
  const isThere = seal?.state === 'whole' && seal.version === before?.version
  const publications = await changePublications(store, (current) => {
    const { live, previous, ...rest } = current.byView[view] ?? { lastVersion: 0 }
    if (live === undefined || previous === undefined || previous.version !== before?.version) {
      const building = rest.building && `: run ${rest.building.run} writes its buffer`
      throw new PlatformError(
        'features.noPrevious',
        `${view}: there is no publication to put back${building ?? ''}`,
      )
    }
    if (!isThere) {
      throw new PlatformError(
        'features.noPrevious',
        `${view}: publication ${previous.version} is not whole in buffer ${previous.buffer} any more`,
      )
    }
    return withView(current, view, { ...rest, live: previous, previous: live })
  })
  return publications.byView[view]!.live!
}

/** Changes the document in one conditional write, from what it says then; `change` is asked again after a lost race. */
export async function changePublications(
  store: PublicationStore,
  change: (publications: Publications) => Publications,
): Promise<Publications> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const stored = await store.load()
    const current = stored?.publications ?? NO_PUBLICATIONS
    const next = change(current)
    if (next === current) return next
    if (await store.save(next, stored?.revision)) return next
  }
  throw new PlatformError(
    'features.contended',
    'somebody else changes the publications of this product all the time: try again',
    { retryable: true },
  )
}

function withView({ byView }: Publications, view: string, changed: ViewPublications): Publications {
  return { byView: { ...byView, [view]: changed } }
}

function requireBuilding(known: ViewPublications | undefined, view: string, run: string): Building {
  const building = known?.building
  if (building?.run === run) return building
  const instead =
    building === undefined
      ? 'it was abandoned, or never begun'
      : `run ${building.run} took its place`
  throw new PlatformError(
    'features.publishLost',
    `${view}: run ${run} has nothing to publish: ${instead}; readers get what they got before`,
  )
}

function incomplete(view: string, { buffer, version }: Building): PlatformError {
  return new PlatformError(
    'features.bufferIncomplete',
    `${view}: buffer ${buffer} is not what run counted for version ${version}: readers get what they got before; begin the run anew`,
  )
}

function refuseOlder(live: Publication | undefined, { view, cut, definition }: BuiltView): void {
  // Another definition begins anew, and a backfill of an older range would take later rows back.
  if (live === undefined || live.cut <= cut || live.definition !== definition) return
  throw new PlatformError(
    'features.olderCut',
    `${view}: readers get results up to ${isoOf(live.cut)}, those up to ${isoOf(cut)} would take them back: roll back instead`,
  )
}
