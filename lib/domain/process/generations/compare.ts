import type { Journal } from '#lib/domain/ingest/journal.ts'
import { isoOf, type Micros } from '#lib/domain/kernel/time.ts'
import type { Lake } from '#lib/domain/lake/table.ts'
import type { AggregateValue } from '../aggregates/aggregate.ts'
import type { SlotInventory } from '../slot-store.ts'
import { contractOfView, type ViewDefinition } from '../view.ts'
import { panesOf } from '../window.ts'
import { compareFinalRows } from './compare-final-rows.ts'
import { compareSlots } from './compare-slots.ts'
import type { SlotsOf } from './feed-generations.ts'
import { type DeployedViews, type Generations, scopeOf } from './generations.ts'
import { nameOf, requireGeneration } from './switch.ts'

export interface CompareDependencies extends DeployedViews {
  readonly journal: Journal
  readonly lake: Lake
  readonly database: string
  readonly inventory: SlotInventory
  readonly slotsOf: SlotsOf
  /** Waits for what was written to one generation and not yet to the other. */
  readonly pause: () => Promise<void>
}

export interface CompareRequest {
  readonly left: string
  readonly right: string
  /** Differences that are listed, in all. @default 20 */
  readonly limit?: number
  readonly onProgress?: (compared: number) => void
}

/** What was held against each other, each in one of the numbers. */
export interface Tally {
  readonly equal: number
  readonly different: number
  readonly onlyLeft: number
  readonly onlyRight: number
}

export interface SlotTally extends Tally {
  /** Of windows that are final and whose slots have expired in one generation: only their rows are left to compare. */
  readonly expired: number
  /** Changed faster than both could be read: not proven. */
  readonly moving: number
}

export interface ViewComparison {
  readonly view: string
  /** Aggregates that both generations define alike: these are compared. */
  readonly aggregates: readonly string[]
  /** Defined in one generation only, or otherwise in the other. */
  readonly redefined: readonly string[]
  /** Why nothing of the view is compared. */
  readonly notCompared: string | null
  /** What features are served from: a slot per key, pane and shard. */
  readonly slots: SlotTally
  /** Rows of the feature tables, of windows that both have closed; null if there are no such tables. */
  readonly finalRows: Tally | null
}

export interface Difference {
  readonly view: string
  readonly what: 'slot' | 'final row'
  readonly key: string
  /** Start inclusive, end exclusive; of a slot its pane. Null for a running total. */
  readonly window: { readonly start: string; readonly end: string } | null
  /** Null where there is nothing. */
  readonly left: Readonly<Record<string, AggregateValue>> | null
  readonly right: Readonly<Record<string, AggregateValue>> | null
}

export interface Comparison {
  readonly left: string
  readonly right: string
  /** Windows that lie entirely in here are compared. */
  readonly from: string | null
  readonly to: string | null
  /** Whether everything that was compared is equal, and something was. */
  readonly equal: boolean
  readonly views: readonly ViewComparison[]
  /** The first of them. */
  readonly differences: readonly Difference[]
}

/** A view that both generations hold, and what of it means the same in both. */
export interface ViewPair {
  readonly name: string
  readonly left: ViewDefinition
  readonly right: ViewDefinition
  /** As states and tables call the two. */
  readonly leftName: string
  readonly rightName: string
  /** Names of the aggregates. */
  readonly common: readonly string[]
}

export interface ComparedRange {
  readonly from?: Micros
  readonly to?: Micros
}

/** Lists differences up to a limit. */
export class Differences {
  readonly list: Difference[] = []
  readonly #limit: number

  constructor(limit: number) {
    this.#limit = limit
  }

  add(difference: Difference): void {
    if (this.list.length < this.#limit) this.list.push(difference)
  }
}

const DEFAULT_LIMIT = 20

/**
 * Holds two generations against each other: every slot of either, at the same position of its shard, and every final
 * row of windows that both have closed. Only windows, and panes, that lie entirely in the range of both generations.
 * Memory is bounded: slots come in pages, rows by day and in portions.
 *
 * Throws `replay.unknown` or `replay.dropped`.
 */
export async function compareGenerations(
  deps: CompareDependencies,
  generations: Generations | undefined,
  request: CompareRequest,
): Promise<Comparison> {
  const { left, right } = request
  const range = rangeOf([left, right].map((name) => requireGeneration(generations, name)))
  const { pairs, others } = pairsOf(deps, generations!, left, right)
  const differences = new Differences(request.limit ?? DEFAULT_LIMIT)
  const sides = { left, right, generations: generations! }
  const slots = await compareSlots(deps, sides, pairs, range, differences, request.onProgress)
  const views: ViewComparison[] = []
  for (const pair of pairs) {
    const finalRows = await compareFinalRows(deps, sides, pair, range, differences)
    views.push({
      view: pair.name,
      aggregates: pair.common,
      redefined: redefinedOf(pair),
      notCompared: null,
      slots: slots.get(pair)!,
      finalRows,
    })
  }
  const nothing = { equal: 0, different: 0, onlyLeft: 0, onlyRight: 0, expired: 0, moving: 0 }
  for (const { name, why } of others) {
    views.push({
      view: name,
      aggregates: [],
      redefined: [],
      notCompared: why,
      slots: nothing,
      finalRows: null,
    })
  }
  return {
    left,
    right,
    from: range.from === undefined ? null : isoOf(range.from),
    to: range.to === undefined ? null : isoOf(range.to),
    equal: isEqual(views),
    views,
    differences: differences.list,
  }
}

function isEqual(views: readonly ViewComparison[]): boolean {
  const agrees = ({ different, onlyLeft, onlyRight }: Tally) =>
    different + onlyLeft + onlyRight === 0
  const compared = views.reduce(
    (sum, { slots, finalRows }) => sum + slots.equal + (finalRows?.equal ?? 0),
    0,
  )
  return (
    compared > 0 &&
    views.every(
      ({ slots, finalRows }) =>
        agrees(slots) && slots.moving === 0 && (finalRows === null || agrees(finalRows)),
    )
  )
}

/** What both generations hold. */
function rangeOf(both: readonly { readonly from?: Micros; readonly to?: Micros }[]): ComparedRange {
  const starts = both.flatMap(({ from }) => (from === undefined ? [] : [from]))
  const ends = both.flatMap(({ to }) => (to === undefined ? [] : [to]))
  return {
    ...(starts.length === 0 ? {} : { from: Math.max(...starts) }),
    ...(ends.length === 0 ? {} : { to: Math.min(...ends) }),
  }
}

function pairsOf(deps: DeployedViews, generations: Generations, left: string, right: string) {
  const [lefts, rights] = [left, right].map((name) => scopeOf(generations, deps, name).views) as [
    readonly ViewDefinition[],
    readonly ViewDefinition[],
  ]
  const pairs: ViewPair[] = []
  const others: { name: string; why: string }[] = []
  for (const name of new Set([...lefts, ...rights].map((view) => view.name))) {
    const [a, b] = [lefts, rights].map((views) => views.find((view) => view.name === name))
    if (a === undefined || b === undefined) {
      others.push({ name, why: `only ${a === undefined ? right : left} has this view` })
      continue
    }
    const problem = otherShape(deps, a, b)
    if (problem !== undefined) {
      others.push({ name, why: problem })
      continue
    }
    const common = a.aggregates
      .filter((one) => b.aggregates.some((other) => JSON.stringify(one) === JSON.stringify(other)))
      .map((one) => one.name)
    if (common.length === 0) {
      others.push({ name, why: 'every aggregate is defined otherwise' })
      continue
    }
    const [leftName, rightName] = [nameOf(a, left), nameOf(b, right)]
    pairs.push({ name, left: a, right: b, leftName, rightName, common })
  }
  return { pairs, others }
}

/** What makes slots of the two incomparable, whatever they aggregate. */
function otherShape(
  { contracts }: DeployedViews,
  a: ViewDefinition,
  b: ViewDefinition,
): string | undefined {
  if (a.key !== b.key) return `the keys differ: ${a.key} and ${b.key}`
  if (
    JSON.stringify([a.window, panesOf(a.window)]) !== JSON.stringify([b.window, panesOf(b.window)])
  )
    return 'the windows differ'
  const [one, other] = [a, b].map((view) => contractOfView(view, contracts).version)
  return one === other ? undefined : `the contracts differ: ${one} and ${other}`
}

function redefinedOf({ left, right, common }: ViewPair): readonly string[] {
  const names = [...left.aggregates, ...right.aggregates].map((one) => one.name)
  return [...new Set(names)].filter((name) => !common.includes(name))
}
