import {
  type FinalizeReport,
  type FinalizeWindowsDependencies,
  finalizeWindows,
} from '../finalize-windows.ts'
import type { SlotStore } from '../slot-store.ts'
import {
  NOTHING_DONE,
  sumOf,
  type UpdateOptions,
  type UpdateReport,
  type UpdateWindowsDependencies,
  updateWindows,
} from '../update-windows.ts'
import { FIRST_GENERATION, stateNameOf, type ViewDefinition } from '../view.ts'
import { cursorsOf } from '../view-watermark.ts'
import { changeGenerations, type GenerationStore } from './generation-store.ts'
import { boundToMajor, definitionOf, fedScopes, type GenerationScope } from './generations.ts'

/** The slots of a generation's views: where a key's slots lie depends on what its view says. */
export type SlotsOf = (scope: GenerationScope) => SlotStore

interface Fed {
  readonly generations: GenerationStore
  readonly slotsOf: SlotsOf
}

export interface UpdateGenerationsDependencies
  extends Omit<UpdateWindowsDependencies, 'generation' | 'from' | 'slots'>,
    Fed {}

/**
 * Brings the slots of every generation that goes on with the stream up to the journal, the live one first. What is
 * wrong with one does not stop the others; it is raised when they are done.
 */
export async function updateGenerations(
  deps: UpdateGenerationsDependencies,
  options: UpdateOptions = {},
): Promise<UpdateReport> {
  const generations = await pinFirst(deps)
  const reports = await eachOf(fedScopes(generations, deps), (scope) =>
    updateWindows({ ...deps, ...scope, slots: deps.slotsOf(scope) }, options),
  )
  return reports.reduce(sumOf, NOTHING_DONE)
}

export interface FinalizeGenerationsDependencies
  extends Omit<FinalizeWindowsDependencies, 'generation' | 'from' | 'slots'>,
    Fed {}

/** Closes the windows of every generation that goes on with the stream, likewise. */
export async function finalizeGenerations(
  deps: FinalizeGenerationsDependencies,
): Promise<FinalizeReport> {
  const stored = await deps.generations.load()
  const reports = await eachOf(fedScopes(stored?.generations, deps), (scope) =>
    finalizeWindows({ ...deps, ...scope, slots: deps.slotsOf(scope) }),
  )
  return reports.reduce(
    (a, b) => ({
      commits: a.commits + b.commits,
      rows: a.rows + b.rows,
      revised: a.revised + b.revised,
      unrevised: a.unrevised + b.unrevised,
    }),
    { commits: 0, rows: 0, revised: 0, unrevised: 0 },
  )
}

async function eachOf<Report>(
  scopes: readonly GenerationScope[],
  work: (scope: GenerationScope) => Promise<Report>,
): Promise<readonly Report[]> {
  const failures: unknown[] = []
  const reports: Report[] = []
  for (const scope of scopes) {
    await work(scope).then(
      (report) => reports.push(report),
      (error: unknown) => failures.push(error),
    )
  }
  if (failures.length > 0) throw failures[0]
  return reports
}

/**
 * The generations, with the definitions of the first one written down as soon as there is another: they alone know
 * what its states mean, and the next deployment may replace them. Also the sign that the deployed functions feed more
 * than one generation.
 */
async function pinFirst(deps: UpdateGenerationsDependencies) {
  const stored = await deps.generations.load()
  const first = stored?.generations.byName[FIRST_GENERATION]
  if (stored === undefined || first === undefined) return stored?.generations
  const { live, byName } = stored.generations
  const isAlone = Object.values(byName).filter(({ state }) => state !== 'dropped').length < 2
  if (isAlone) return stored.generations
  // Later what is deployed may already be what another generation computes.
  if (live !== FIRST_GENERATION && first.views !== undefined) return stored.generations
  const isPinned = (view: ViewDefinition) =>
    first.views?.some((one) => stateNameOf(one) === stateNameOf(view)) ?? false
  const fresh: ViewDefinition[] = []
  for (const view of deps.views) {
    if (!isPinned(view) && (await isOfItsStates(deps, view))) {
      fresh.push(boundToMajor(view, deps.contracts))
    }
  }
  if (first.views !== undefined && fresh.length === 0) return stored.generations
  return changeGenerations(deps.generations, (current) => {
    const known = current?.byName[FIRST_GENERATION]
    if (current === undefined || known === undefined) return current ?? stored.generations
    // Whoever was quicker has written what holds: a name is pinned once.
    const missing = fresh.filter(
      (view) => !known.views?.some((one) => stateNameOf(one) === stateNameOf(view)),
    )
    if (known.views !== undefined && missing.length === 0) return current
    const views = [...(known.views ?? []), ...missing]
    return { ...current, byName: { ...current.byName, [FIRST_GENERATION]: { ...known, views } } }
  })
}

/** Whether the view is what its states were computed by: another definition must not be taken for it. */
async function isOfItsStates(
  { contracts, journal, slotsOf }: UpdateGenerationsDependencies,
  view: ViewDefinition,
): Promise<boolean> {
  const slots = slotsOf({ views: [view] })
  const cursors = await cursorsOf({ journal, slots }, stateNameOf(view))
  const definition = definitionOf(view, contracts)
  return [...cursors.values()].every(
    (cursor) => cursor.definition === undefined || cursor.definition === definition,
  )
}
