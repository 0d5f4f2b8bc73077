import type { Column } from '#lib/domain/kernel/columns.ts'
import type { IcebergType } from '#lib/domain/lake/schema.ts'
import { columnOf } from '../build-column.ts'
import type { ByteMemory } from './byte-memory.ts'
import type { Storage } from './field-plan.ts'

const SLACK_BYTES = 64

/** A value as the slow decoder holds it. */
export type Value = NonNullable<Parameters<typeof columnOf>[1][number]>

/**
 * One column of the batch being read, written by row. Of each kind of array only the one that the storage needs
 * is long; every column has the same shape, so that code that handles several stays fast.
 */
export class FieldColumn {
  readonly storage: Storage
  readonly int32: Int32Array
  readonly int64: BigInt64Array
  /** The same memory as `int64`: hot code writes a value as two 32-bit halves, low first. */
  readonly halves: Int32Array
  readonly float64: Float64Array
  readonly boolean: Uint8Array
  /** Of strings: those of all rows, one behind the other; the same as words, which may be written past the last one. */
  readonly text: Buffer
  readonly words: DataView
  /** Row i has the text from `offsets[i]` to `offsets[i + 1]`: a row that is read again writes over what it wrote. */
  readonly offsets: Int32Array
  /** 1 where a row has no value; of optional fields only. */
  readonly nulls: Uint8Array
  /** Of values that no typed array holds. */
  readonly values: (Value | null)[] = []
  readonly #type: IcebergType

  constructor(
    storage: Storage,
    isOptional: boolean,
    rows: number,
    type: IcebergType,
    textBytes: number,
  ) {
    this.#type = type
    const reserved = (wanted: boolean) => (wanted ? rows : 0)
    this.storage = storage
    this.int32 = new Int32Array(reserved(storage === 'int32'))
    this.int64 = new BigInt64Array(reserved(storage === 'int64'))
    this.halves = new Int32Array(this.int64.buffer)
    this.float64 = new Float64Array(reserved(storage === 'float64'))
    this.boolean = new Uint8Array(reserved(storage === 'boolean'))
    const text = new ArrayBuffer(storage === 'utf8' ? textBytes + SLACK_BYTES : 0)
    this.text = Buffer.from(text)
    this.words = new DataView(text)
    this.offsets = new Int32Array(reserved(storage === 'utf8') + 1)
    this.nulls = new Uint8Array(reserved(isOptional))
  }

  /** Writes a text that stands in the memory. */
  storeText(memory: ByteMemory, row: number, start: number, length: number): void {
    const at = this.offsets[row]!
    memory.bytes.copy(this.text, at, start, start + length)
    this.offsets[row + 1] = at + length
  }

  /** Writes a value that the slow decoder read. */
  store(row: number, value: Value | null): void {
    this.nulls[row] = value === null ? 1 : 0
    switch (this.storage) {
      case 'int32':
        this.int32[row] = Number(value)
        return
      case 'int64':
        this.int64[row] = (value as bigint | null) ?? 0n
        return
      case 'float64':
        this.float64[row] = Number(value)
        return
      case 'boolean':
        this.boolean[row] = Number(value)
        return
      case 'utf8': {
        const at = this.offsets[row]!
        this.offsets[row + 1] = at + this.text.write((value as string | null) ?? '', at)
        return
      }
      case 'value':
        this.values[row] = value
    }
  }

  /** The value of a row, as the slow decoder holds it. */
  valueAt(row: number): Value | null {
    if (this.nulls[row] === 1) return null
    switch (this.storage) {
      case 'int32':
        return this.int32[row]!
      case 'int64':
        return this.int64[row]!
      case 'float64':
        return this.float64[row]!
      case 'boolean':
        return this.boolean[row] === 1
      case 'utf8':
        return this.text.toString('utf8', this.offsets[row], this.offsets[row + 1])
      case 'value':
        return this.values[row] ?? null
    }
  }

  clear(): void {
    this.values.length = 0
  }

  /** The column of the rows so far: views of memory that the next batch writes over. */
  finish(rows: number): Column {
    const nulls = this.nulls.subarray(0, rows)
    const withNulls = nulls.includes(1) ? { nulls } : {}
    switch (this.storage) {
      case 'int32':
        return { kind: 'int32', values: this.int32.subarray(0, rows), ...withNulls }
      case 'int64':
        return { kind: 'int64', values: this.int64.subarray(0, rows), ...withNulls }
      case 'float64':
        return { kind: 'float64', values: this.float64.subarray(0, rows), ...withNulls }
      case 'boolean':
        return { kind: 'boolean', values: this.boolean.subarray(0, rows), ...withNulls }
      case 'utf8': {
        const bytes = new Uint8Array(this.text.buffer, 0, this.offsets[rows])
        const offsets = this.offsets.subarray(0, rows + 1)
        return { kind: 'utf8', bytes, offsets, ...withNulls }
      }
      case 'value':
        return columnOf(this.#type, this.values.slice(0, rows))
    }
  }

  /** The same column with room for more rows than the first ones, which it takes over; the old one is of no use then. */
  widened(isOptional: boolean, rows: number, textBytes: number, used: number): FieldColumn {
    const wide = new FieldColumn(this.storage, isOptional, rows, this.#type, textBytes)
    // The rest stays untouched: memory that was never written to costs nothing.
    wide.int32.set(this.int32.subarray(0, used))
    wide.int64.set(this.int64.subarray(0, used))
    wide.float64.set(this.float64.subarray(0, used))
    wide.boolean.set(this.boolean.subarray(0, used))
    if (this.storage === 'utf8') {
      wide.offsets.set(this.offsets.subarray(0, used + 1))
      wide.text.set(this.text.subarray(0, this.offsets[used]))
    }
    wide.nulls.set(this.nulls.subarray(0, used))
    for (const value of this.values) wide.values.push(value)
    return wide
  }
}
