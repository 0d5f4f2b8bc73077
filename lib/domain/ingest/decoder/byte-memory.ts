/** Zero bytes behind whatever is read: every scan stops there, and a word read across the end is stable. */
export const GUARD_BYTES = 8

/**
 * The one buffer that a batch is read from: records as they came (or inflated), each with {@link GUARD_BYTES} zeros behind
 * it. A string that has to be unescaped stands behind the records while it is looked at. Scans leave their second result
 * in its fields.
 */
export class ByteMemory {
  readonly bytes: Buffer
  /** Words are read little-endian from any place. */
  readonly view: DataView
  /** What may be filled; a few bytes past it can be read and written. */
  readonly capacity: number
  /** Where a string is unescaped to: each writes over the one before it. */
  unescapedAt = 0
  /** The string that was read last: its bytes, and whether they are Unicode (no lone surrogate). */
  stringStart = 0
  stringLength = 0
  isUnicode = true
  /** The number that was read last; a long of many digits as its two halves. */
  number = 0
  low = 0
  high = 0

  constructor(capacity: number) {
    // Zeroed pages cost nothing until they are touched.
    const memory = new ArrayBuffer(capacity + 64)
    this.bytes = Buffer.from(memory)
    this.view = new DataView(memory)
    this.capacity = capacity
  }

  /** The text of a range. */
  text(start: number, end: number): string {
    return this.bytes.toString('utf8', start, end)
  }

  /** Closes a range that was filled, so that scans stop at its end. */
  guard(end: number): void {
    this.view.setFloat64(end, 0, true)
  }
}
