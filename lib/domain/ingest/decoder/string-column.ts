import type { Column } from '#lib/domain/kernel/columns.ts'
import type { ByteMemory } from './byte-memory.ts'

type Utf8Column = Extract<Column, { kind: 'utf8' }>

/** A growing column of strings, gathered from where they stand in the input while that is still in cache. */
export class StringColumn {
  #bytes = new Uint8Array(0)
  #view = new DataView(this.#bytes.buffer)
  #offsets = new Int32Array(1)
  #rows = 0

  clear(): void {
    this.#rows = 0
  }

  /** Appends the rows up to `rows` that are not there yet. */
  gather(memory: ByteMemory, starts: Int32Array, lengths: Int32Array, rows: number): void {
    const first = this.#rows
    let end = this.#offsets[first]!
    let total = end
    for (let row = first; row < rows; row++) total += lengths[row]!
    this.#reserve(rows, total)
    const { view } = memory
    const target = this.#view
    const offsets = this.#offsets
    for (let row = first; row < rows; row++) {
      const start = starts[row]!
      const length = lengths[row]!
      // Words: what the last one writes too much, the next string or nobody writes over.
      for (let i = 0; i < length; i += 4) {
        target.setInt32(end + i, view.getInt32(start + i, true), true)
      }
      end += length
      offsets[row + 1] = end
    }
    this.#rows = rows
  }

  finish(rows: number): Utf8Column {
    const offsets = this.#offsets.subarray(0, rows + 1)
    return { kind: 'utf8', bytes: this.#bytes.subarray(0, offsets[rows]), offsets }
  }

  #reserve(rows: number, bytes: number): void {
    if (rows + 1 > this.#offsets.length) {
      const offsets = new Int32Array(2 * rows + 1)
      offsets.set(this.#offsets)
      this.#offsets = offsets
    }
    if (bytes + 4 > this.#bytes.length) {
      const wider = new Uint8Array(2 * bytes + 4)
      wider.set(this.#bytes)
      this.#bytes = wider
      this.#view = new DataView(wider.buffer)
    }
  }
}
