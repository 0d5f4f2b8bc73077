import { isAfter, type SequenceNumber, START } from '#lib/domain/kernel/sequence-number.ts'
import type { Micros } from '#lib/domain/kernel/time.ts'
import type { PanePartials } from './aggregate-rows.ts'
import type { Aggregate } from './aggregates/aggregate.ts'
import type { Slot, SlotKey } from './slot-store.ts'

/** What one entry adds to a slot: a group of its partials. */
interface Addition {
  readonly sequence: SequenceNumber
  readonly partials: PanePartials
  readonly group: number
  /** What was added before it. */
  readonly before: Addition | undefined
}

/** A slot that entries add to. */
export interface TouchedSlot extends SlotKey {
  newest: Addition
}

/** The slots of one view and shard that some entries touch, each with what it gets from them. */
export class TouchedSlots {
  readonly all: TouchedSlot[] = []
  readonly #view: string
  readonly #shard: string
  readonly #from: Micros | undefined
  readonly #panes = new Map<Micros, Map<string, TouchedSlot>>()

  /** @param from panes that start before this are left out */
  constructor(view: string, shard: string, from?: Micros) {
    this.#view = view
    this.#shard = shard
    this.#from = from
  }

  /** Adds what one entry holds; entries in the order of their positions. */
  add(sequence: SequenceNumber, partials: PanePartials): void {
    let paneStart = Number.NaN
    let pane = new Map<string, TouchedSlot>()
    for (let group = 0; group < partials.count; group++) {
      if (this.#from !== undefined && partials.paneStarts[group]! < this.#from) continue
      // Groups come in the order of their first rows: mostly in the pane of the one before.
      if (partials.paneStarts[group] !== paneStart) {
        paneStart = partials.paneStarts[group]!
        pane = this.#pane(paneStart)
      }
      const key = partials.keyOf(group)
      const known = pane.get(key)
      if (known !== undefined) {
        known.newest = { sequence, partials, group, before: known.newest }
        continue
      }
      const newest = { sequence, partials, group, before: undefined }
      const slot = { view: this.#view, key, paneStart, shard: this.#shard, newest }
      pane.set(key, slot)
      this.all.push(slot)
    }
  }

  #pane(start: Micros): Map<string, TouchedSlot> {
    const known = this.#panes.get(start)
    if (known !== undefined) return known
    const pane = new Map<string, TouchedSlot>()
    this.#panes.set(start, pane)
    return pane
  }
}

/** Aggregates by name, in the order of the view's definition. */
export type NamedAggregates = readonly (readonly [string, Aggregate<unknown>])[]

/** The slot with everything after its own position added; undefined if it covers all of it already. */
export function withAdditions(
  touched: TouchedSlot,
  slot: Slot | undefined,
  algebras: NamedAggregates,
  computedAtMs: number,
): Slot | undefined {
  const { view, key, paneStart, shard, newest } = touched
  const covered = slot?.sequence ?? START
  if (!isAfter(newest.sequence, covered)) return undefined
  let min = slot?.eventTime.min ?? Number.POSITIVE_INFINITY
  let max = slot?.eventTime.max ?? Number.NEGATIVE_INFINITY
  const states: Record<string, unknown> = {}
  for (let at = 0; at < algebras.length; at++) {
    const [name, algebra] = algebras[at]!
    const before = slot?.states[name]
    let state = before === undefined ? undefined : algebra.fromStored(before)
    for (
      let one: Addition | undefined = newest;
      one !== undefined && isAfter(one.sequence, covered);
      one = one.before
    ) {
      const added = one.partials.states[at]![one.group]
      state = state === undefined ? added : algebra.merge(state, added)
    }
    states[name] = algebra.toStored(state)
  }
  for (
    let one: Addition | undefined = newest;
    one !== undefined && isAfter(one.sequence, covered);
    one = one.before
  ) {
    min = Math.min(min, one.partials.minEventTimes[one.group]!)
    max = Math.max(max, one.partials.maxEventTimes[one.group]!)
  }
  const eventTime = { min, max }
  return { view, key, paneStart, shard, states, eventTime, sequence: newest.sequence, computedAtMs }
}
