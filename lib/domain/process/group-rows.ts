import type { Column } from '#lib/domain/kernel/columns.ts'
import type { Micros } from '#lib/domain/kernel/time.ts'
import type { KeyCodes } from './key-codes.ts'
import { type Panes, paneStart } from './window.ts'

/** The rows of a batch by key and pane. */
export interface RowGroups {
  /** Per row; −1 for one that belongs to no group. */
  readonly groups: Int32Array
  readonly count: number
  /** Per group. */
  readonly codes: Int32Array
  readonly paneStarts: Float64Array
  readonly minEventTimes: Float64Array
  readonly maxEventTimes: Float64Array
}

/** A pane and key table larger than this is kept as a map. */
const MOST_DENSE = 1 << 22

/**
 * Groups rows by key and pane of event time, without an object per row.
 *
 * @param skip rows that belong to no group, as 1
 */
export function groupRows(
  keys: KeyCodes,
  times: Extract<Column, { kind: 'int64' }>,
  rows: number,
  panes: Panes,
  skip?: Uint8Array,
): RowGroups {
  const micros = microsOf(times)
  const groups = new Int32Array(rows)
  const ordinals = new Map<Micros, number>()
  const starts: Micros[] = []
  const tables: Int32Array[] = []
  const sparse = new Map<number, number>()
  const found = new GroupList()
  let lastStart = Number.NaN
  let ordinal = -1
  for (let row = 0; row < rows; row++) {
    const code = keys.codes[row]!
    if (code === -1 || (skip !== undefined && skip[row] === 1)) {
      groups[row] = -1
      continue
    }
    const time = micros(row)
    // Most events fall into the pane of the one before.
    if (!(time >= lastStart && time < lastStart + panes.width)) {
      lastStart = paneStart(panes, time)
      ordinal = ordinals.get(lastStart) ?? -1
      if (ordinal === -1) {
        ordinal = starts.push(lastStart) - 1
        ordinals.set(lastStart, ordinal)
      }
    }
    const isDense = (ordinal + 1) * keys.count <= MOST_DENSE
    let group: number
    if (isDense) {
      tables[ordinal] ??= new Int32Array(keys.count).fill(-1)
      group = tables[ordinal]![code]!
    } else {
      group = sparse.get(ordinal * keys.count + code) ?? -1
    }
    if (group === -1) {
      group = found.add(code, lastStart)
      if (isDense) tables[ordinal]![code] = group
      else sparse.set(ordinal * keys.count + code, group)
    }
    found.see(group, time)
    groups[row] = group
  }
  return { groups, ...found.finish() }
}

/** The times of a column as numbers. Micros fit a double from 1684 to 2255; reading halves makes no bigint per row. */
export function microsOf(column: Extract<Column, { kind: 'int64' }>): (row: number) => Micros {
  const { buffer, byteOffset, length } = column.values
  const halves = new Int32Array(buffer, byteOffset, 2 * length)
  return (row) => (halves[2 * row]! >>> 0) + halves[2 * row + 1]! * 2 ** 32
}

class GroupList {
  #count = 0
  #codes = new Int32Array(64)
  #starts = new Float64Array(64)
  #min = new Float64Array(64)
  #max = new Float64Array(64)

  add(code: number, start: Micros): number {
    const group = this.#count++
    if (group === this.#codes.length) {
      const room = 2 * group
      this.#codes = widened(new Int32Array(room), this.#codes)
      this.#starts = widened(new Float64Array(room), this.#starts)
      this.#min = widened(new Float64Array(room), this.#min)
      this.#max = widened(new Float64Array(room), this.#max)
    }
    this.#codes[group] = code
    this.#starts[group] = start
    this.#min[group] = Number.POSITIVE_INFINITY
    this.#max[group] = Number.NEGATIVE_INFINITY
    return group
  }

  see(group: number, time: Micros): void {
    if (time < this.#min[group]!) this.#min[group] = time
    if (time > this.#max[group]!) this.#max[group] = time
  }

  finish(): Omit<RowGroups, 'groups'> {
    const count = this.#count
    return {
      count,
      codes: this.#codes.subarray(0, count),
      paneStarts: this.#starts.subarray(0, count),
      minEventTimes: this.#min.subarray(0, count),
      maxEventTimes: this.#max.subarray(0, count),
    }
  }
}

function widened<T extends Int32Array | Float64Array>(wide: T, narrow: T): T {
  wide.set(narrow)
  return wide
}
