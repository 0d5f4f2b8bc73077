/** Bytes that are appended to. Hot code reserves room, writes to `array` at `length`, and moves `length` itself. */
export class GrowingBytes {
  array: Uint8Array<ArrayBuffer>
  length = 0

  constructor(capacity: number) {
    this.array = new Uint8Array(capacity)
  }

  /** Makes room for so many more bytes. `array` may be another one afterwards. */
  reserve(more: number): void {
    const wanted = this.length + more
    if (wanted <= this.array.length) return
    const larger = new Uint8Array(Math.max(wanted, 2 * this.array.length))
    larger.set(this.array.subarray(0, this.length))
    this.array = larger
  }

  byte(value: number): void {
    this.reserve(1)
    this.array[this.length++] = value
  }

  append(bytes: Uint8Array): void {
    this.reserve(bytes.length)
    this.array.set(bytes, this.length)
    this.length += bytes.length
  }

  int32(value: number): void {
    this.reserve(4)
    for (let shift = 0; shift < 32; shift += 8) this.array[this.length++] = value >>> shift
  }

  /** Seven bits a byte, the low ones first; of a safe integer that is not negative. */
  varint(value: number): void {
    this.reserve(8)
    let rest = value
    while (rest > 0x7f) {
      this.array[this.length++] = (rest % 0x80) | 0x80
      rest = Math.floor(rest / 0x80)
    }
    this.array[this.length++] = rest
  }

  /** What was appended, until more is. */
  written(): Uint8Array {
    return this.array.subarray(0, this.length)
  }
}
