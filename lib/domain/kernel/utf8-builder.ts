import type { Column } from './columns.ts'

type Utf8Column = Extract<Column, { kind: 'utf8' }>

/** A unit of a string takes at most so many bytes. */
const MAX_BYTES_PER_UNIT = 3
/** Shorter texts are written unit by unit: a call that encodes them has more to prepare. */
const SHORT_LENGTH = 64

/** Builds a string column row by row in one growing piece of memory. */
export class Utf8Builder {
  readonly #offsets: Int32Array
  readonly #nulls: Uint8Array
  #bytes: Buffer
  #row = 0
  #at = 0

  constructor(rows: number, expectedBytes = 16 * rows) {
    this.#offsets = new Int32Array(rows + 1)
    this.#nulls = new Uint8Array(rows)
    this.#bytes = Buffer.allocUnsafeSlow(Math.max(64, expectedBytes))
  }

  /** Adds to the row that is being built. A lone surrogate becomes U+FFFD, as in every UTF-8 encoder. */
  write(text: string): this {
    const { length } = text
    this.#reserve(length * MAX_BYTES_PER_UNIT)
    const start = this.#at
    let i = 0
    for (; i < length && length < SHORT_LENGTH; i++) {
      const unit = text.charCodeAt(i)
      if (unit >= 0x80) break
      this.#bytes[start + i] = unit
    }
    this.#at += i === length ? length : this.#bytes.write(text, start)
    return this
  }

  /** Adds bytes that are UTF-8. */
  writeBytes(bytes: Buffer, start: number, end: number): this {
    this.#reserve(end - start)
    this.#at += bytes.copy(this.#bytes, this.#at, start, end)
    return this
  }

  endRow(): void {
    this.#offsets[++this.#row] = this.#at
  }

  /** A row with this text; without one it has no value. */
  add(text: string | null | undefined): void {
    if (text == null) this.#nulls[this.#row] = 1
    else this.write(text)
    this.endRow()
  }

  /** So many rows with this text. */
  addRun(text: string, count: number): void {
    if (count === 0) return
    const start = this.#at
    this.write(text)
    const length = this.#at - start
    this.endRow()
    if (count === 1) return
    this.#reserve((count - 1) * length)
    const end = start + count * length
    // Twice as much with each step.
    for (let written = length; written > 0 && start + written < end; written *= 2) {
      this.#bytes.copyWithin(start + written, start, Math.min(start + written, end - written))
    }
    for (let i = 1; i < count; i++) {
      this.#at += length
      this.endRow()
    }
  }

  finish(): Utf8Column {
    const bytes = new Uint8Array(this.#bytes.buffer, 0, this.#at)
    const column = { kind: 'utf8', bytes, offsets: this.#offsets } as const
    return this.#nulls.includes(1) ? { ...column, nulls: this.#nulls } : column
  }

  #reserve(bytes: number): void {
    const wanted = this.#at + bytes
    if (wanted <= this.#bytes.length) return
    const wider = Buffer.allocUnsafeSlow(2 * wanted)
    this.#bytes.copy(wider, 0, 0, this.#at)
    this.#bytes = wider
  }
}
