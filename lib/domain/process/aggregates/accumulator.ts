import type { ColumnBatch } from '#lib/domain/kernel/columns.ts'
import type { Aggregate } from './aggregate.ts'
import { NO_GROUP } from './grouped-rows.ts'

/** Which state each row of a batch goes to. */
export class StatesOfRows {
  /** Per row: the number of its state, or `NO_GROUP`. */
  readonly states: Int32Array
  /** How many states there are by now, also those that no row of this batch goes to. */
  readonly count: number
  #groups: { readonly ofRows: Int32Array; readonly states: readonly number[] } | undefined

  constructor(states: Int32Array, count: number) {
    this.states = states
    this.count = count
  }

  /** The same with the states of this batch alone, numbered without gaps: `states[group]` is a group's state. */
  get groups(): { readonly ofRows: Int32Array; readonly states: readonly number[] } {
    this.#groups ??= this.#numbered()
    return this.#groups
  }

  #numbered() {
    const groupOf = new Int32Array(this.count).fill(NO_GROUP)
    const ofRows = new Int32Array(this.states.length)
    const states: number[] = []
    for (let row = 0; row < ofRows.length; row++) {
      const state = this.states[row]!
      if (state === NO_GROUP) ofRows[row] = NO_GROUP
      else {
        if (groupOf[state] === NO_GROUP) groupOf[state] = states.push(state) - 1
        ofRows[row] = groupOf[state]!
      }
    }
    return { ofRows, states }
  }
}

/** Many states of one aggregate that grow batch by batch, each under a number: no object for a state until it is asked for. */
export interface Accumulator<State> {
  /** Adds the rows of a batch; new states begin as the aggregate's `create()`. */
  add(batch: ColumnBatch, rows: StatesOfRows): void
  state(number: number): State
}

/** The aggregate's own accumulator, or for one that has none a list of its states. */
export function accumulatorOf<State>(aggregate: Aggregate<State>): Accumulator<State> {
  return aggregate.accumulator?.() ?? new ListedStates(aggregate)
}

class ListedStates<State> implements Accumulator<State> {
  readonly #aggregate: Aggregate<State>
  readonly #states: (State | undefined)[] = []

  constructor(aggregate: Aggregate<State>) {
    this.#aggregate = aggregate
  }

  add(batch: ColumnBatch, { groups }: StatesOfRows): void {
    const added = this.#aggregate.addBatch(batch, groups.ofRows, groups.states.length)
    for (const [group, number] of groups.states.entries()) {
      const before = this.#states[number]
      this.#states[number] =
        before === undefined ? added[group]! : this.#aggregate.merge(before, added[group]!)
    }
  }

  state(number: number): State {
    return this.#states[number] ?? this.#aggregate.create()
  }
}
