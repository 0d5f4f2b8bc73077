/**
 * Admitted identities and the arrival minute of each: open addressing over typed arrays, 20 bytes a place,
 * no object per event. Memory: about 2 x horizon x rate x 20 bytes.
 */
export class IdentitySet {
  #capacity = 1 << 10
  #size = 0
  #words = new Uint32Array(this.#capacity * 4)
  #minutes = new Int32Array(this.#capacity).fill(EMPTY)
  #floorMinute = Number.NEGATIVE_INFINITY

  get size(): number {
    return this.#size
  }

  /** The latest arrival minute at which this identity was admitted. */
  minuteOf(identity: Uint8Array): number | undefined {
    const minute = this.#minutes[this.#place(wordsOf(identity))]!
    return minute === EMPTY ? undefined : minute
  }

  /** Remembers an admission. Of several, the latest minute counts. */
  add(identity: Uint8Array, minute: number): void {
    if ((this.#size + 1) * 2 > this.#capacity) this.#rebuild()
    const words = wordsOf(identity)
    const place = this.#place(words)
    const known = this.#minutes[place]!
    if (known === EMPTY) {
      this.#words.set(words, place * 4)
      this.#size++
    }
    if (known === EMPTY || known < minute) this.#minutes[place] = minute
  }

  /** Admissions before this minute may be forgotten; they are at the next growth. */
  forgetBefore(minute: number): void {
    this.#floorMinute = minute
  }

  #place(words: Uint32Array): number {
    const mask = this.#capacity - 1
    // The identity is already a keyed hash: its first word needs no further mixing.
    for (let place = words[0]! & mask; ; place = (place + 1) & mask) {
      if (this.#minutes[place] === EMPTY) return place
      const at = place * 4
      if (
        this.#words[at] === words[0] &&
        this.#words[at + 1] === words[1] &&
        this.#words[at + 2] === words[2] &&
        this.#words[at + 3] === words[3]
      ) {
        return place
      }
    }
  }

  #rebuild(): void {
    const words = this.#words
    const minutes = this.#minutes
    const kept: number[] = []
    for (let place = 0; place < minutes.length; place++) {
      if (minutes[place] !== EMPTY && minutes[place]! >= this.#floorMinute) kept.push(place)
    }
    while (kept.length * 4 > this.#capacity) this.#capacity *= 2
    this.#words = new Uint32Array(this.#capacity * 4)
    this.#minutes = new Int32Array(this.#capacity).fill(EMPTY)
    this.#size = kept.length
    for (const place of kept) {
      const identity = words.subarray(place * 4, place * 4 + 4)
      const target = this.#place(identity)
      this.#words.set(identity, target * 4)
      this.#minutes[target] = minutes[place]!
    }
  }
}

const EMPTY = -0x80000000

function wordsOf(identity: Uint8Array): Uint32Array {
  const bytes = Uint8Array.from(identity.subarray(0, 16))
  return new Uint32Array(bytes.buffer)
}
