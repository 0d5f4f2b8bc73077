import type { Contract } from '#lib/domain/contract/contract.ts'
import type { Column, ColumnBatch } from '#lib/domain/kernel/columns.ts'
import { roomFor } from '#lib/domain/kernel/room-for.ts'
import type { Micros } from '#lib/domain/kernel/time.ts'
import { NO_GROUP } from './aggregates/grouped-rows.ts'
import { CodeNumbers } from './code-numbers.ts'
import { KeyDictionary, NO_KEY } from './key-dictionary.ts'
import { keyScaleOf, type ViewDefinition } from './view.ts'
import { type Panes, paneStart, panesOf } from './window.ts'

/** The keys and panes that rows of a view lie in, numbered from 0 on: a key and a pane have one number in all batches. */
export class KeyedPanes {
  readonly #key: string
  readonly #eventTime: string
  readonly #panes: Panes
  readonly #from: Micros
  readonly #keys: KeyDictionary
  readonly #starts: Micros[] = []
  readonly #ordinals = new Map<Micros, number>()
  /** Of each pane, the numbers of its keys. */
  readonly #numbers: CodeNumbers[] = []
  #count = 0
  /** Of each number, the key's code and the pane's place in the lists. */
  #codes = new Int32Array(64)
  #ofPane = new Int32Array(64)

  /** @param from panes that start before this are left out */
  constructor(view: ViewDefinition, contract: Contract, from: Micros = Number.NEGATIVE_INFINITY) {
    this.#key = view.key
    this.#eventTime = contract.eventTime
    this.#panes = panesOf(view.window)
    this.#from = from
    this.#keys = new KeyDictionary(keyScaleOf(contract, view.key))
  }

  get count(): number {
    return this.#count
  }

  /**
   * The number of each row; `NO_GROUP` for one that has no key, does not count, or lies in a pane that is left out.
   *
   * @param leftOut rows that do not count, as 1
   */
  numbersOf({ rows, columns }: ColumnBatch, leftOut?: Uint8Array): Int32Array {
    const codes = this.#keys.codesOf(columns.get(this.#key)!, rows)
    const { values } = columns.get(this.#eventTime) as Extract<Column, { kind: 'int64' }>
    // As halves: micros fit a double from 1684 to 2255, and a 64-bit value that is read whole is an object.
    const halves = new Int32Array(values.buffer, values.byteOffset, 2 * values.length)
    const { width } = this.#panes
    const numbers = new Int32Array(rows)
    let start = Number.NaN
    let ordinal = NO_GROUP
    let inPane: CodeNumbers | undefined
    for (let row = 0; row < rows; row++) {
      const code = codes[row]!
      if (code === NO_KEY || (leftOut !== undefined && leftOut[row] === 1)) {
        numbers[row] = NO_GROUP
        continue
      }
      const time = (halves[2 * row]! >>> 0) + halves[2 * row + 1]! * 2 ** 32
      // Most events fall into the pane of the one before.
      if (!(time >= start && time < start + width)) {
        start = paneStart(this.#panes, time)
        ordinal = start < this.#from ? NO_GROUP : this.#ordinalOf(start)
        inPane = this.#numbers[ordinal]
      }
      if (inPane === undefined) {
        numbers[row] = NO_GROUP
        continue
      }
      const number = inPane.numberOf(code, this.#count)
      numbers[row] = number
      if (number === this.#count) this.#add(code, ordinal)
    }
    return numbers
  }

  #ordinalOf(start: Micros): number {
    const known = this.#ordinals.get(start)
    if (known !== undefined) return known
    const ordinal = this.#starts.push(start) - 1
    this.#ordinals.set(start, ordinal)
    this.#numbers.push(new CodeNumbers())
    return ordinal
  }

  #add(code: number, ordinal: number): void {
    const number = this.#count++
    this.#codes = roomFor(this.#count, this.#codes)
    this.#ofPane = roomFor(this.#count, this.#ofPane)
    this.#codes[number] = code
    this.#ofPane[number] = ordinal
  }

  /** The key as slots are filed under it. */
  keyOf(number: number): string {
    return this.#keys.text(this.#codes[number]!)
  }

  paneStartOf(number: number): Micros {
    return this.#starts[this.#ofPane[number]!]!
  }
}
