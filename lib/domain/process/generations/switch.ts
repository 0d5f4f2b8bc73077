import type { Journal } from '#lib/domain/ingest/journal.ts'
import type { Clock } from '#lib/domain/kernel/clock.ts'
import { PlatformError } from '#lib/domain/kernel/errors.ts'
import { type Predecessor, START } from '#lib/domain/kernel/sequence-number.ts'
import type { Micros } from '#lib/domain/kernel/time.ts'
import { FIRST_GENERATION, stateNameOf } from '../view.ts'
import type { SlotsOf } from './feed-generations.ts'
import { changeGenerations, type GenerationStore } from './generation-store.ts'
import {
  type DeployedViews,
  engineName,
  type Generation,
  type Generations,
  MOST_SWITCHES,
  scopeOf,
} from './generations.ts'

export interface SwitchDependencies extends DeployedViews {
  readonly generations: GenerationStore
  readonly journal: Journal
  readonly slotsOf: SlotsOf
  readonly clock: Clock
}

export interface SwitchReport {
  readonly from: string
  readonly to: string
  /** False if it was live already. */
  readonly isSwitched: boolean
  /** Where the one that answers now begins; null if it holds everything. */
  readonly holdsFrom: Micros | null
  /** What was wrong with it, where a reason overrode that. */
  readonly overridden: string | null
}

/**
 * Answers readers from another generation from now on: one conditional write. A repeat changes nothing. One that is
 * behind, or that nobody would feed, is refused, unless somebody gives a reason, which is written down with the switch.
 *
 * Throws `replay.unknown`, `replay.dropped`, `replay.incomplete`, `replay.notFed`, `replay.behind` (retryable).
 */
export async function switchGeneration(
  deps: SwitchDependencies,
  name: string,
  reason?: string,
): Promise<SwitchReport> {
  let report: SwitchReport | undefined
  await changeGenerations(deps.generations, async (current) => {
    const known = requireGeneration(current, name)
    const generations = current!
    const { live, switches, byName } = generations
    const holdsFrom = known.from ?? null
    if (live === name) {
      report ??= { from: live, to: name, isSwitched: false, holdsFrom, overridden: null }
      return generations
    }
    const problem = await problemOf(deps, generations, name, known)
    if (problem !== undefined && reason === undefined) {
      throw new PlatformError(problem.code, problem.message, { retryable: problem.mayPass })
    }
    report = {
      from: live,
      to: name,
      isSwitched: true,
      holdsFrom,
      overridden: problem?.message ?? null,
    }
    const added = {
      from: live,
      to: name,
      atMs: deps.clock.nowMs(),
      ...(reason === undefined ? {} : { reason }),
    }
    return { live: name, byName, switches: [...switches, added].slice(-MOST_SWITCHES) }
  })
  return report!
}

/** The generation of this name; throws `replay.unknown` or `replay.dropped` with what there is. */
export function requireGeneration(generations: Generations | undefined, name: string): Generation {
  const known = generations?.byName[name]
  if (known === undefined) {
    const names = Object.keys(generations?.byName ?? { [FIRST_GENERATION]: {} }).join(', ')
    throw new PlatformError('replay.unknown', `unknown generation "${name}": known are ${names}`)
  }
  if (known.state === 'dropped') {
    throw new PlatformError('replay.dropped', `generation ${name} was dropped`)
  }
  return known
}

interface Problem {
  readonly code: string
  readonly message: string
  /** Whether it goes away by itself. */
  readonly mayPass: boolean
}

async function problemOf(
  deps: SwitchDependencies,
  generations: Generations,
  name: string,
  { state }: Generation,
): Promise<Problem | undefined> {
  const problem = (code: string, message: string, mayPass = false) => ({ code, message, mayPass })
  if (state === 'replaying') {
    return problem(
      'replay.incomplete',
      `generation ${name} is incomplete: its replay has not reached the head of the journal; run it again, it goes on where it was`,
    )
  }
  if (generations.byName[FIRST_GENERATION]?.views === undefined) {
    return problem(
      'replay.notFed',
      `the deployed functions have not taken note of generation ${name}, so nobody would feed it: run \`npm run weir -- up\`, wait a minute, and try again`,
    )
  }
  const behind = await shardBehind(deps, generations, name)
  if (behind === undefined) return undefined
  return problem(
    'replay.behind',
    `generation ${name} is behind ${generations.live} in shard ${behind}: its features would go back in time; wait until update-windows has caught up`,
    true,
  )
}

/** A shard of which the live generation holds more; both read what they hold from the journal in its order. */
async function shardBehind(
  deps: SwitchDependencies,
  generations: Generations,
  name: string,
): Promise<string | undefined> {
  const { live } = generations
  const scope = scopeOf(generations, deps, name)
  const reference = scopeOf(generations, deps, live)
  const [slots, referenceSlots] = [deps.slotsOf(scope), deps.slotsOf(reference)]
  for (const { shard } of await deps.journal.shards()) {
    for (const view of reference.views) {
      const own = scope.views.find((one) => one.name === view.name)
      if (own === undefined) continue
      const reached = await referenceSlots.cursor(nameOf(view, live), shard)
      const here = await slots.cursor(nameOf(own, name), shard)
      if (isBehind(here.position, reached.position)) return shard
    }
  }
  return undefined
}

/** What a view's states in a generation are filed under. */
export function nameOf(view: Parameters<typeof stateNameOf>[0], generation: string): string {
  return stateNameOf(view, engineName(generation).generation)
}

export function isBehind(here: Predecessor, there: Predecessor): boolean {
  if (there === START) return false
  return here === START || here < there
}
