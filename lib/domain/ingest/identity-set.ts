const LEAST_CAPACITY = 1 << 10
const EMPTY = -0x80000000

/**
 * Admitted identities and the arrival minute of each: open addressing over typed arrays, 20 bytes a place,
 * no object per event. Memory: about 2 x horizon x rate x 20 bytes. Identities are 16 bytes from a place on.
 */
export class IdentitySet {
  #capacity: number
  #size = 0
  /** Four to a place. */
  #words: Int32Array
  #minutes: Int32Array
  #floorMinute = Number.NEGATIVE_INFINITY

  /** With room for so many at first; it grows as needed. */
  constructor(expected = 0) {
    this.#capacity = LEAST_CAPACITY
    while (this.#capacity < 2 * expected) this.#capacity *= 2
    this.#words = new Int32Array(this.#capacity * 4)
    this.#minutes = new Int32Array(this.#capacity).fill(EMPTY)
  }

  get size(): number {
    return this.#size
  }

  /** The latest arrival minute at which this identity was admitted. */
  minuteOf(identities: Uint8Array, at = 0): number | undefined {
    const minute = this.#minutes[this.#placeOf(identities, at)]!
    return minute === EMPTY ? undefined : minute
  }

  /** Remembers an admission. Of several, the latest minute counts. */
  add(identities: Uint8Array, minute: number, at = 0): void {
    if ((this.#size + 1) * 2 > this.#capacity) this.#rebuild()
    const place = this.#placeOf(identities, at)
    const known = this.#minutes[place]!
    if (known === EMPTY) {
      for (let i = 0; i < 4; i++) this.#words[place * 4 + i] = wordAt(identities, at + 4 * i)
      this.#size++
    }
    if (known === EMPTY || known < minute) this.#minutes[place] = minute
  }

  /** Admissions before this minute may be forgotten; they are at the next growth. */
  forgetBefore(minute: number): void {
    this.#floorMinute = minute
  }

  #placeOf(identities: Uint8Array, at: number): number {
    return this.#place(
      wordAt(identities, at),
      wordAt(identities, at + 4),
      wordAt(identities, at + 8),
      wordAt(identities, at + 12),
    )
  }

  #place(first: number, second: number, third: number, fourth: number): number {
    const words = this.#words
    const minutes = this.#minutes
    const mask = this.#capacity - 1
    // The identity is already a keyed hash: its first word needs no further mixing.
    for (let place = first & mask; ; place = (place + 1) & mask) {
      if (minutes[place] === EMPTY) return place
      const at = place * 4
      if (
        words[at] === first &&
        words[at + 1] === second &&
        words[at + 2] === third &&
        words[at + 3] === fourth
      ) {
        return place
      }
    }
  }

  #rebuild(): void {
    const words = this.#words
    const minutes = this.#minutes
    const isKept = (place: number) =>
      minutes[place] !== EMPTY && minutes[place]! >= this.#floorMinute
    this.#size = 0
    for (let place = 0; place < minutes.length; place++) if (isKept(place)) this.#size++
    while (this.#size * 4 > this.#capacity) this.#capacity *= 2
    this.#words = new Int32Array(this.#capacity * 4)
    this.#minutes = new Int32Array(this.#capacity).fill(EMPTY)
    for (let place = 0; place < minutes.length; place++) {
      if (!isKept(place)) continue
      const at = place * 4
      const target = this.#place(words[at]!, words[at + 1]!, words[at + 2]!, words[at + 3]!)
      for (let i = 0; i < 4; i++) this.#words[target * 4 + i] = words[at + i]!
      this.#minutes[target] = minutes[place]!
    }
  }
}

/** A little-endian word. */
function wordAt(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
}
