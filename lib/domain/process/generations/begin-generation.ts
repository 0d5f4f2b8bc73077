import type { Clock } from '#lib/domain/kernel/clock.ts'
import { PlatformError } from '#lib/domain/kernel/errors.ts'
import { isoOf, type Micros } from '#lib/domain/kernel/time.ts'
import { FIRST_GENERATION, stateNameOf, type ViewDefinition } from '../view.ts'
import { changeGenerations, type GenerationStore } from './generation-store.ts'
import {
  boundToMajor,
  type DeployedViews,
  type Generation,
  type Generations,
  isSameView,
} from './generations.ts'

export interface GenerationRequest {
  readonly into: string
  /** Event time, UTC micros. @default as the generation was begun, or everything */
  readonly from?: Micros
  /** @default as the generation was begun, or now */
  readonly to?: Micros
}

interface BeginDependencies extends DeployedViews {
  readonly generations: GenerationStore
  readonly clock: Clock
}

/**
 * The generation as it is written down: made now, or begun before with the same range and definitions. The first one is
 * written down with it, so that the deployed functions say what its views are. Throws as `replay` does.
 */
export async function beginGeneration(
  deps: BeginDependencies,
  request: GenerationRequest,
): Promise<Generation> {
  const { into, from, to } = request
  const nowMs = deps.clock.nowMs()
  refuseName(into)
  refuseRange(deps.views, from, to, nowMs * 1000)
  const views = deps.views.map((view) => boundToMajor(view, deps.contracts))
  const generations = await changeGenerations(deps.generations, (current) => {
    const known = current?.byName[into]
    if (known !== undefined) {
      refuseOther(deps, request, known)
      return current!
    }
    const fresh: Generation = {
      state: 'replaying',
      views,
      ...(from === undefined ? {} : { from }),
      to: to ?? nowMs * 1000,
      createdAtMs: nowMs,
    }
    const { live, byName, switches } = current ?? firstOnly(nowMs)
    return { live, byName: { ...byName, [into]: fresh }, switches }
  })
  return generations.byName[into]!
}

function firstOnly(nowMs: number): Generations {
  return {
    live: FIRST_GENERATION,
    byName: { [FIRST_GENERATION]: { state: 'following', createdAtMs: nowMs } },
    switches: [],
  }
}

function refuseName(into: string): void {
  if (into === FIRST_GENERATION) {
    throw new PlatformError(
      'replay.name',
      `${FIRST_GENERATION} is what the stream fills from the beginning: replay into another name, such as v2`,
    )
  }
  if (!/^[a-z][a-z0-9]{0,15}$/.test(into)) {
    throw new PlatformError(
      'replay.name',
      `"${into}" is no name of a generation: write letters and digits, such as v2`,
    )
  }
}

function refuseRange(
  views: readonly ViewDefinition[],
  from: Micros | undefined,
  to: Micros | undefined,
  now: Micros,
): void {
  const fail = (message: string): never => {
    throw new PlatformError('replay.range', message)
  }
  if (views.length === 0) fail('the product has no views: there is nothing to compute')
  if (from !== undefined && from >= (to ?? now)) {
    fail(`the range ends at ${isoOf(to ?? now)}, not after it starts at ${isoOf(from)}`)
  }
  if (to !== undefined && to > now) {
    fail(
      `the range ends at ${isoOf(to)}, in the future: leave the end out, the generation goes on with the stream by itself`,
    )
  }
  const running = views.find((view) => view.window.kind === 'running')
  if (from !== undefined && running !== undefined) {
    fail(
      `view "${running.name}" is a running total, which needs everything: replay without a start`,
    )
  }
}

function refuseOther(
  { views, contracts }: BeginDependencies,
  { into, from, to }: GenerationRequest,
  known: Generation,
): void {
  if (known.state === 'dropped') {
    throw new PlatformError(
      'replay.dropped',
      `generation ${into} was dropped, and a name is not used twice: take another one`,
    )
  }
  if ((from !== undefined && from !== known.from) || (to !== undefined && to !== known.to)) {
    const start = known.from === undefined ? 'the beginning' : isoOf(known.from)
    throw new PlatformError(
      'replay.otherRange',
      `generation ${into} was begun for ${start} to ${isoOf(known.to!)}: leave the range out to go on with it, or take another name`,
    )
  }
  const held = known.views ?? []
  const other = [...held, ...views].find((view) => {
    const [a, b] = [held, views].map((list) =>
      list.find((one) => stateNameOf(one) === stateNameOf(view)),
    )
    return a === undefined || b === undefined || !isSameView(a, b, contracts)
  })
  if (other === undefined) return
  throw new PlatformError(
    'replay.otherDefinition',
    `generation ${into} was begun with another definition of view "${other.name}": take another name for this one, and drop ${into} if it is not needed`,
  )
}
