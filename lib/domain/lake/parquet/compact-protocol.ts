import { GrowingBytes } from './growing-bytes.ts'

const TRUE = 1
const FALSE = 2
const I32 = 5
const I64 = 6
const BINARY = 8
const LIST = 9
const STRUCT = 12
const STOP = 0
const MOST_IN_SHORT_HEADER = 14
/** Most structs are the header of a page. */
const HEADER_BYTES = 64

/**
 * A struct in Thrift's compact protocol, which Parquet writes its headers in. Fields come by ascending id; one whose
 * value is undefined is left out.
 */
export class CompactStruct {
  readonly #out = new GrowingBytes(HEADER_BYTES)
  #lastId = 0

  i32(id: number, value: number | undefined): this {
    return value === undefined ? this : this.#integer(id, I32, value)
  }

  /** Of a safe integer. */
  i64(id: number, value: number | undefined): this {
    return value === undefined ? this : this.#integer(id, I64, value)
  }

  boolean(id: number, value: boolean | undefined): this {
    if (value !== undefined) this.#header(id, value ? TRUE : FALSE)
    return this
  }

  binary(id: number, value: string | Uint8Array | undefined): this {
    if (value === undefined) return this
    this.#header(id, BINARY)
    this.#binary(value)
    return this
  }

  struct(id: number, fill: ((struct: this) => void) | undefined): this {
    if (fill === undefined) return this
    this.#header(id, STRUCT)
    this.#struct(fill)
    return this
  }

  i32s(id: number, values: readonly number[]): this {
    this.#list(id, I32, values.length)
    for (const value of values) this.#zigzag(value)
    return this
  }

  binaries(id: number, values: readonly string[]): this {
    this.#list(id, BINARY, values.length)
    for (const value of values) this.#binary(value)
    return this
  }

  structs<Item>(
    id: number,
    items: readonly Item[],
    fill: (struct: this, item: Item) => void,
  ): this {
    this.#list(id, STRUCT, items.length)
    for (const item of items) this.#struct((struct) => fill(struct, item))
    return this
  }

  /** Ends the struct. */
  bytes(): Uint8Array {
    this.#out.byte(STOP)
    return this.#out.written()
  }

  #header(id: number, type: number): void {
    const step = id - this.#lastId
    if (step < 1 || step > 15) throw new RangeError(`field ${id} cannot follow ${this.#lastId}`)
    this.#out.byte((step << 4) | type)
    this.#lastId = id
  }

  #integer(id: number, type: number, value: number): this {
    this.#header(id, type)
    this.#zigzag(value)
    return this
  }

  #zigzag(value: number): void {
    this.#out.varint(value < 0 ? -2 * value - 1 : 2 * value)
  }

  #binary(value: string | Uint8Array): void {
    const bytes = typeof value === 'string' ? Buffer.from(value) : value
    this.#out.varint(bytes.length)
    this.#out.append(bytes)
  }

  #list(id: number, type: number, length: number): void {
    this.#header(id, LIST)
    if (length <= MOST_IN_SHORT_HEADER) this.#out.byte((length << 4) | type)
    else {
      this.#out.byte(0xf0 | type)
      this.#out.varint(length)
    }
  }

  #struct(fill: (struct: this) => void): void {
    const outer = this.#lastId
    this.#lastId = 0
    fill(this)
    this.#out.byte(STOP)
    this.#lastId = outer
  }
}
