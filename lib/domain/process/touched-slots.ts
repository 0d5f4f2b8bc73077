import type { Contract } from '#lib/domain/contract/contract.ts'
import type { Column, ColumnBatch } from '#lib/domain/kernel/columns.ts'
import { roomFor } from '#lib/domain/kernel/room-for.ts'
import { isAfter, type SequenceNumber, START } from '#lib/domain/kernel/sequence-number.ts'
import type { Micros } from '#lib/domain/kernel/time.ts'
import { type Accumulator, accumulatorOf, StatesOfRows } from './aggregates/accumulator.ts'
import type { Aggregate } from './aggregates/aggregate.ts'
import { NO_GROUP } from './aggregates/grouped-rows.ts'
import { KeyedPanes } from './keyed-panes.ts'
import type { Slot, SlotKey } from './slot-store.ts'
import type { ViewDefinition } from './view.ts'

/** Aggregates by name, in the order of the view's definition. */
export type NamedAggregates = readonly (readonly [string, Aggregate<unknown>])[]

/** Whose slots they are. */
export interface SlotsOfShard {
  readonly view: ViewDefinition
  readonly contract: Contract
  /** The view's state name. */
  readonly name: string
  readonly shard: string
  readonly algebras: NamedAggregates
  /** Panes that start before this are left out. @default none */
  readonly from?: Micros
}

/** How much of what entries add to a slot it has already. */
export type Coverage = 'none' | 'part' | 'whole'

/**
 * The slots of one view and shard that some entries touch, with what they get from all of them: numbered from 0 on, with a
 * few numbers in typed arrays for each, since a busy shard touches a hundred thousand at once.
 */
export class TouchedSlots {
  readonly #of: SlotsOfShard
  readonly #panes: KeyedPanes
  readonly #accumulators: readonly Accumulator<unknown>[]
  /** Positions of the entries that were added. */
  readonly #sequences: SequenceNumber[] = []
  /** Of each slot, the oldest and the newest entry that touches it. */
  #oldest = new Int32Array(0)
  #newest = new Int32Array(0)
  #minEventTimes = new Float64Array(0)
  #maxEventTimes = new Float64Array(0)

  constructor(of: SlotsOfShard) {
    this.#of = of
    this.#panes = new KeyedPanes(of.view, of.contract, of.from)
    this.#accumulators = of.algebras.map(([, algebra]) => accumulatorOf(algebra))
  }

  /** How many slots are touched. */
  get count(): number {
    return this.#panes.count
  }

  /**
   * Adds rows of one entry, which may come in several batches; entries in the order of their positions.
   *
   * @param leftOut rows that do not count, as 1
   */
  add(sequence: SequenceNumber, batch: ColumnBatch, leftOut?: Uint8Array): void {
    if (this.#sequences.at(-1) !== sequence) this.#sequences.push(sequence)
    const known = this.count
    const slots = this.#panes.numbersOf(batch, leftOut)
    this.#begin(known)
    this.#see(slots, batch.columns.get(this.#of.contract.eventTime) as Int64Column)
    const rows = new StatesOfRows(slots, this.count)
    for (const accumulator of this.#accumulators) accumulator.add(batch, rows)
  }

  /** Makes room for slots from this number on, which the entry that comes now is the oldest of. */
  #begin(known: number): void {
    const count = this.count
    this.#oldest = roomFor(count, this.#oldest)
    this.#newest = roomFor(count, this.#newest)
    this.#minEventTimes = roomFor(count, this.#minEventTimes)
    this.#maxEventTimes = roomFor(count, this.#maxEventTimes)
    this.#oldest.fill(this.#sequences.length - 1, known, count)
    this.#minEventTimes.fill(Number.POSITIVE_INFINITY, known, count)
    this.#maxEventTimes.fill(Number.NEGATIVE_INFINITY, known, count)
  }

  #see(slots: Int32Array, { values }: Int64Column): void {
    const [newest, min, max] = [this.#newest, this.#minEventTimes, this.#maxEventTimes]
    const entry = this.#sequences.length - 1
    const halves = new Int32Array(values.buffer, values.byteOffset, 2 * values.length)
    for (let row = 0; row < slots.length; row++) {
      const slot = slots[row]!
      if (slot === NO_GROUP) continue
      const time = (halves[2 * row]! >>> 0) + halves[2 * row + 1]! * 2 ** 32
      newest[slot] = entry
      if (time < min[slot]!) min[slot] = time
      if (time > max[slot]!) max[slot] = time
    }
  }

  /** What a slot is filed under. */
  slotKey(slot: number): SlotKey {
    const { name, shard } = this.#of
    return { view: name, key: this.keyOf(slot), paneStart: this.paneStartOf(slot), shard }
  }

  keyOf(slot: number): string {
    return this.#panes.keyOf(slot)
  }

  paneStartOf(slot: number): Micros {
    return this.#panes.paneStartOf(slot)
  }

  /** What an aggregate of the view has got, by its place in the definition. */
  state(slot: number, aggregate: number): unknown {
    return this.#accumulators[aggregate]!.state(slot)
  }

  /** How much of it the slot has as it is stored. */
  coverage(slot: number, stored: Slot | undefined): Coverage {
    const covered = stored?.sequence ?? START
    if (!isAfter(this.#sequences[this.#newest[slot]!]!, covered)) return 'whole'
    return isAfter(this.#sequences[this.#oldest[slot]!]!, covered) ? 'none' : 'part'
  }

  /** The slot with everything added; it must have none of it as it is stored. */
  withAdditions(slot: number, stored: Slot | undefined, computedAtMs: number): Slot {
    const { algebras } = this.#of
    const states: Record<string, unknown> = {}
    for (let at = 0; at < algebras.length; at++) {
      const [name, algebra] = algebras[at]!
      const added = this.state(slot, at)
      const before = stored?.states[name]
      states[name] = algebra.toStored(
        before === undefined ? added : algebra.merge(algebra.fromStored(before), added),
      )
    }
    let min = this.#minEventTimes[slot]!
    let max = this.#maxEventTimes[slot]!
    if (stored !== undefined) {
      min = Math.min(min, stored.eventTime.min)
      max = Math.max(max, stored.eventTime.max)
    }
    return {
      view: this.#of.name,
      key: this.keyOf(slot),
      paneStart: this.paneStartOf(slot),
      shard: this.#of.shard,
      states,
      eventTime: { min, max },
      sequence: this.#sequences[this.#newest[slot]!]!,
      computedAtMs,
    }
  }
}

type Int64Column = Extract<Column, { kind: 'int64' }>
