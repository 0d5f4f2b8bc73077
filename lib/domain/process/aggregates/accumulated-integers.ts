import type { Column, ColumnBatch } from '#lib/domain/kernel/columns.ts'
import { PlatformError } from '#lib/domain/kernel/errors.ts'
import { roomFor } from '#lib/domain/kernel/room-for.ts'
import type { Accumulator, StatesOfRows } from './accumulator.ts'
import { columnOf, NO_GROUP } from './grouped-rows.ts'
import type { SumState } from './sum.ts'
import { plusTotals, type Total, totalOf } from './total.ts'

const WORD = 2 ** 32

/** Exact sums of integers: as a double while that is a safe integer, from then on as what it is exactly. */
export class IntegerSums implements Accumulator<SumState> {
  readonly #field: string
  #counts = new Float64Array(64)
  #sums = new Float64Array(64)
  /** The sums that have left the safe integers once; what stands in their place is NaN. */
  readonly #wide = new Map<number, Total>()

  constructor(field: string) {
    this.#field = field
  }

  add(batch: ColumnBatch, { states, count }: StatesOfRows): void {
    this.#counts = roomFor(count, this.#counts)
    this.#sums = roomFor(count, this.#sums)
    const column = columnOf(batch, this.#field)
    if (column.kind === 'int64') this.#addLongs(column, states)
    else if (column.kind === 'int32') this.#addInts(column, states)
    else throw new PlatformError('view.invalid', `a ${column.kind} column has no integers to add`)
  }

  #addInts({ values, nulls }: Extract<Column, { kind: 'int32' }>, states: Int32Array): void {
    const [counts, sums] = [this.#counts, this.#sums]
    for (let row = 0; row < states.length; row++) {
      const state = states[row]!
      if (state === NO_GROUP || (nulls !== undefined && nulls[row] === 1)) continue
      counts[state]!++
      const sum = sums[state]! + values[row]!
      if (sum <= Number.MAX_SAFE_INTEGER && sum >= Number.MIN_SAFE_INTEGER) sums[state] = sum
      else this.#addWide(state, values[row]!)
    }
  }

  #addLongs({ values, nulls }: Extract<Column, { kind: 'int64' }>, states: Int32Array): void {
    const [counts, sums] = [this.#counts, this.#sums]
    // As halves: a 64-bit value that is read whole is an object.
    const halves = new Int32Array(values.buffer, values.byteOffset, 2 * values.length)
    for (let row = 0; row < states.length; row++) {
      const state = states[row]!
      if (state === NO_GROUP || (nulls !== undefined && nulls[row] === 1)) continue
      counts[state]!++
      const value = halves[2 * row + 1]! * WORD + (halves[2 * row]! >>> 0)
      const sum = sums[state]! + value
      // Of two safe integers the sum is exact where it is safe, too. A value beyond them was rounded.
      if (
        value <= Number.MAX_SAFE_INTEGER &&
        value >= Number.MIN_SAFE_INTEGER &&
        sum <= Number.MAX_SAFE_INTEGER &&
        sum >= Number.MIN_SAFE_INTEGER
      ) {
        sums[state] = sum
      } else {
        this.#addWide(state, totalOf(values[row]!))
      }
    }
  }

  /** NaN is no safe integer, whatever is added to it: a sum that came here once comes here always. */
  #addWide(state: number, value: Total): void {
    const before = this.#wide.get(state) ?? this.#sums[state]!
    this.#wide.set(state, plusTotals(before, value))
    this.#sums[state] = Number.NaN
  }

  state(number: number): SumState {
    const sum = this.#sums[number]!
    return { count: this.#counts[number]!, sum: Number.isNaN(sum) ? this.#wide.get(number)! : sum }
  }
}
