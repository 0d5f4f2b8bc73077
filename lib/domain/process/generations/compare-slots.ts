import { START } from '#lib/domain/kernel/sequence-number.ts'
import { isoOf } from '#lib/domain/kernel/time.ts'
import type { AggregateValue } from '../aggregates/aggregate.ts'
import { aggregateOf } from '../aggregates/aggregate-of.ts'
import { sessionCloses } from '../closed-windows.ts'
import { slotLifeMs } from '../expire-slots.ts'
import type { FinalProgress, Slot, SlotKey, SlotStore } from '../slot-store.ts'
import { contractOfView, FIRST_GENERATION, type ViewDefinition } from '../view.ts'
import { type Cursors, cursorsOf } from '../view-watermark.ts'
import { wholeFrom } from '../whole-windows.ts'
import { panesOf, windowsOfPane } from '../window.ts'
import type {
  CompareDependencies,
  ComparedRange,
  Differences,
  SlotTally,
  ViewPair,
} from './compare.ts'
import { type Generations, scopeOf } from './generations.ts'
import { isBehind } from './switch.ts'

/** The two generations that are compared. */
export interface Sides {
  readonly left: string
  readonly right: string
  readonly generations: Generations
}

/** Times that slots which differ are read again, because one generation may be a moment behind the other. */
const ATTEMPTS = 5

/**
 * Every slot that either generation has. Two slots at one position of their shard are made of the same entries, so they
 * must hold the same; one that stands elsewhere is only judged once both generations are past either position.
 */
export async function compareSlots(
  deps: CompareDependencies,
  sides: Sides,
  pairs: readonly ViewPair[],
  range: ComparedRange,
  differences: Differences,
  onProgress?: (compared: number) => void,
): Promise<ReadonlyMap<ViewPair, SlotTally>> {
  const comparisons = pairs.map((pair) => new SlotComparison(deps, sides, pair, range, differences))
  const byName = new Map<string, SlotComparison>()
  for (const one of comparisons) {
    byName.set(one.pair.leftName, one)
    byName.set(one.pair.rightName, one)
  }
  let compared = 0
  if (pairs.length > 0) {
    for await (const page of deps.inventory.slotsOf(new Set(byName.keys()))) {
      for (const [name, slots] of Map.groupBy(page, (slot) => slot.view)) {
        await byName.get(name)!.take(slots)
      }
      compared += page.length
      onProgress?.(compared)
    }
  }
  return new Map(comparisons.map((one) => [one.pair, one.tally]))
}

interface Couple {
  readonly key: SlotKey
  readonly left?: Slot
  readonly right?: Slot
}

class SlotComparison {
  readonly pair: ViewPair
  readonly tally = { equal: 0, different: 0, onlyLeft: 0, onlyRight: 0, expired: 0, moving: 0 }
  readonly #deps: CompareDependencies
  readonly #sides: Sides
  readonly #range: ComparedRange
  readonly #differences: Differences
  #members:
    | { readonly name: string; readonly pane: number; readonly ids: ReadonlySet<string> }
    | undefined
  readonly #slots: { readonly left: SlotStore; readonly right: SlotStore }

  constructor(
    deps: CompareDependencies,
    sides: Sides,
    pair: ViewPair,
    range: ComparedRange,
    differences: Differences,
  ) {
    const { left, right, generations } = sides
    this.#deps = deps
    this.#sides = sides
    this.pair = pair
    this.#range = range
    this.#differences = differences
    this.#slots = {
      left: deps.slotsOf(scopeOf(generations, deps, left)),
      right: deps.slotsOf(scopeOf(generations, deps, right)),
    }
  }

  /** Slots of one of the two generations. Those of the right one only count where the left one has none. */
  async take(slots: readonly Slot[]): Promise<void> {
    const { leftName } = this.pair
    const wanted = slots.filter((slot) => this.#isInRange(slot))
    const isLeft = slots[0]?.view === leftName
    let pending: readonly SlotKey[] = wanted.map((slot) => ({ ...keyOf(slot), view: leftName }))
    for (let attempt = 1; pending.length > 0; attempt++) {
      if (attempt > 1) await this.#deps.pause()
      const undecided: SlotKey[] = []
      // The cursors before the slots: then every slot holds at least what its cursor says.
      const cursors = await this.#cursors()
      for (const couple of await this.#read(pending)) {
        // Found from the left as well: then it is counted there.
        if (!isLeft && couple.left !== undefined) continue
        const verdict = await this.#judge(couple, cursors)
        if (verdict === 'moving' && attempt < ATTEMPTS) undecided.push(couple.key)
        else this.tally[verdict]++
      }
      pending = undecided
    }
  }

  async #cursors(): Promise<readonly Cursors[]> {
    const { leftName, rightName } = this.pair
    return [
      await cursorsOf({ ...this.#deps, slots: this.#slots.left }, leftName),
      await cursorsOf({ ...this.#deps, slots: this.#slots.right }, rightName),
    ]
  }

  async #read(keys: readonly SlotKey[]): Promise<readonly Couple[]> {
    const read = async (store: SlotStore, view: string) => {
      const found = await store.read(keys.map((key) => ({ ...key, view })))
      return new Map(found.map((slot) => [idOf(slot), slot]))
    }
    const left = await read(this.#slots.left, this.pair.leftName)
    const right = await read(this.#slots.right, this.pair.rightName)
    return keys.map((key) => {
      const [a, b] = [left.get(idOf(key)), right.get(idOf(key))]
      return { key, ...(a ? { left: a } : {}), ...(b ? { right: b } : {}) }
    })
  }

  async #judge(couple: Couple, cursors: readonly Cursors[]): Promise<keyof SlotTally> {
    const { key, left, right } = couple
    if (left === undefined && right === undefined) return 'expired'
    if (left?.sequence === right?.sequence) return this.#byValues(couple)
    // Elsewhere: what one of them lacks is a difference only if its generation has been past it.
    const reached = cursors.map((one) => one.get(key.shard)?.position ?? START)
    const positions = [left, right].flatMap((slot) => (slot === undefined ? [] : [slot.sequence]))
    if (positions.some((at) => reached.some((cursor) => isBehind(cursor, at)))) return 'moving'
    if (left !== undefined && right !== undefined) return this.#byValues(couple)
    const missing = left === undefined ? 'left' : 'right'
    if (await this.#hasExpired(missing, key)) return 'expired'
    this.#list(couple)
    return left === undefined ? 'onlyRight' : 'onlyLeft'
  }

  #byValues(couple: Couple): 'equal' | 'different' {
    const { left, right } = couple
    const isEqual = this.pair.common.every((name) => this.#isEqual(name, left!, right!))
    if (isEqual) return 'equal'
    this.#list(couple)
    return 'different'
  }

  /** States are equal for equal rows, but for a `topk` beyond its capacity: of that only the values are compared. */
  #isEqual(name: string, left: Slot, right: Slot): boolean {
    const [a, b] = [left, right].map((slot) => JSON.stringify(slot.states[name]))
    if (a === b) return true
    const definition = this.pair.left.aggregates.find((one) => one.name === name)!
    if (definition.function !== 'topk') return false
    return JSON.stringify(this.#values(left)[name]) === JSON.stringify(this.#values(right)[name])
  }

  #values({ states }: Slot): Record<string, AggregateValue> {
    const contract = contractOfView(this.pair.left, this.#deps.contracts)
    return Object.fromEntries(
      this.pair.common.map((name) => {
        const definition = this.pair.left.aggregates.find((one) => one.name === name)!
        const algebra = aggregateOf(definition, contract)
        const stored = states[name]
        const state = stored === undefined ? algebra.create() : algebra.fromStored(stored)
        return [name, algebra.finish(state)]
      }),
    )
  }

  /** Whether a slot that is not there may be gone because its windows are final there. */
  async #hasExpired(side: 'left' | 'right', key: SlotKey): Promise<boolean> {
    const { contracts, lake } = this.#deps
    const { createdAtMs } = this.#sides.generations.byName[this.#sides[side]]!
    const isYoung =
      this.#sides[side] !== FIRST_GENERATION &&
      lake.clock.nowMs() < createdAtMs + slotLifeMs(contractOfView(this.pair[side], contracts))
    if (isYoung) return false
    const name = side === 'left' ? this.pair.leftName : this.pair.rightName
    const progress: FinalProgress | undefined = await this.#slots[side].finalProgress(name)
    if (progress === undefined || closesAt(this.pair[side], key.paneStart) > progress.closed) {
      return false
    }
    const members = await this.#membersOf(side, name, key.paneStart)
    return members.size === 0 || members.has(JSON.stringify([key.shard, key.key]))
  }

  /** Which slots a pane has had: that outlives them for a time. Only of one pane at a time, because keys may be many. */
  async #membersOf(
    side: 'left' | 'right',
    name: string,
    pane: number,
  ): Promise<ReadonlySet<string>> {
    if (this.#members?.name === name && this.#members.pane === pane) return this.#members.ids
    const ids = new Set<string>()
    for await (const { shard, keys } of this.#slots[side].members(name, pane)) {
      for (const key of keys) ids.add(JSON.stringify([shard, key]))
    }
    this.#members = { name, pane, ids }
    return ids
  }

  #isInRange({ paneStart: start }: Slot): boolean {
    const { window } = this.pair.left
    if (window.kind === 'running') return true
    const { from, to } = this.#range
    const end = start + panesOf(window).width
    return start >= wholeFrom(window, from) && (to === undefined || end <= to)
  }

  #list({ key: { key, paneStart: start }, left, right }: Couple): void {
    const { width } = panesOf(this.pair.left.window)
    this.#differences.add({
      view: this.pair.name,
      what: 'slot',
      key,
      window: Number.isFinite(width) ? { start: isoOf(start), end: isoOf(start + width) } : null,
      left: left === undefined ? null : this.#values(left),
      right: right === undefined ? null : this.#values(right),
    })
  }
}

/** When the last window that holds the pane is final; of a session as late as it can be without a further pane. */
function closesAt({ window }: ViewDefinition, start: number): number {
  const end = start + panesOf(window).width
  switch (window.kind) {
    case 'running':
      return Number.POSITIVE_INFINITY
    case 'session':
      return sessionCloses(window, { start, end: end + panesOf(window).width })
    default:
      return windowsOfPane(window, start).at(-1)?.end ?? end
  }
}

function keyOf({ view, key, paneStart: start, shard }: Slot): SlotKey {
  return { view, key, paneStart: start, shard }
}

function idOf({ key, paneStart: start, shard }: SlotKey): string {
  return JSON.stringify([key, start, shard])
}
