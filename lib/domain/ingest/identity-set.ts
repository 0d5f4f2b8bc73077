const LEAST_CAPACITY = 1 << 10
/** Words of a record: those of an identity, and the minute. */
const STRIDE = 5
const MINUTE = 4

/** In {@link IdentitySet.minutesOf}: less than any minute. */
export const NEVER = -0x80000000

/**
 * Admitted identities and the arrival minute of each, no object per event: records of 20 bytes in the order of admission,
 * and an index that finds them by open addressing. The index is what is read at random, so it is kept small: 8 to 16 bytes
 * for each identity. An identity is four words from a place on, keyed hashes: they need no further mixing.
 */
export class IdentitySet {
  /** Records that there is room for; the index has twice as many places. */
  #capacity: number
  #size = 0
  #records: Int32Array
  /**
   * At each place 0, or in its lower bits one more than the number of a record, in those above as much of the record's
   * second word as there is room for: what looks for another one hardly ever has to look at the record.
   */
  #index: Int32Array
  #tagMask: number
  #floorMinute = Number.NEGATIVE_INFINITY

  /** With room for so many at first; it grows as needed. */
  constructor(expected = 0) {
    this.#capacity = LEAST_CAPACITY
    while (this.#capacity < expected) this.#capacity *= 2
    this.#records = new Int32Array(STRIDE * this.#capacity)
    this.#index = new Int32Array(2 * this.#capacity)
    this.#tagMask = tagMaskOf(this.#capacity)
  }

  get size(): number {
    return this.#size
  }

  get sizeBytes(): number {
    return this.#records.byteLength + this.#index.byteLength
  }

  /** The latest arrival minute at which this identity was admitted. */
  minuteOf(identities: Int32Array, at = 0): number | undefined {
    const entry = this.#index[this.#placeOf(identities, at)]!
    return entry === 0 ? undefined : this.#records[this.#recordOf(entry) + MINUTE]!
  }

  /** The same of many, one behind the other: {@link NEVER} where there is none. */
  minutesOf(identities: Int32Array, count: number): Int32Array {
    const minutes = new Int32Array(count)
    // The processor waits for many places at once, if nothing is decided between them: then they are near.
    if (this.#firstsTaken(identities, count) === 0) return minutes.fill(NEVER)
    for (let i = 0; i < count; i++) {
      const entry = this.#index[this.#placeOf(identities, 4 * i)]!
      minutes[i] = entry === 0 ? NEVER : this.#records[this.#recordOf(entry) + MINUTE]!
    }
    return minutes
  }

  #firstsTaken(identities: Int32Array, count: number): number {
    const index = this.#index
    const mask = index.length - 1
    let taken = 0
    for (let i = 0; i < count; i++) taken |= index[identities[4 * i]! & mask]!
    return taken
  }

  /** Remembers admissions, an identity and a minute each. Of several of one identity, the latest minute counts. */
  add(identities: Int32Array, minutes: ArrayLike<number>): void {
    for (let i = 0; i < minutes.length; i++) {
      if (this.#size === this.#capacity) this.#rebuild()
      const at = 4 * i
      const place = this.#placeOf(identities, at)
      const entry = this.#index[place]!
      const records = this.#records
      const minute = minutes[i]!
      if (entry !== 0) {
        const known = this.#recordOf(entry) + MINUTE
        if (records[known]! < minute) records[known] = minute
        continue
      }
      const record = STRIDE * this.#size++
      records[record] = identities[at]!
      records[record + 1] = identities[at + 1]!
      records[record + 2] = identities[at + 2]!
      records[record + 3] = identities[at + 3]!
      records[record + MINUTE] = minute
      this.#index[place] = (identities[at + 1]! & this.#tagMask) | this.#size
    }
  }

  /** Admissions before this minute may be forgotten; they are at the next growth. */
  forgetBefore(minute: number): void {
    this.#floorMinute = minute
  }

  /** The place of the index that has the identity, or the empty one where looking for it ends. */
  #placeOf(identities: Int32Array, at: number): number {
    const index = this.#index
    const records = this.#records
    const mask = index.length - 1
    const tagMask = this.#tagMask
    const second = identities[at + 1]!
    for (let place = identities[at]! & mask; ; place = (place + 1) & mask) {
      const entry = index[place]!
      if (entry === 0) return place
      if (((entry ^ second) & tagMask) !== 0) continue
      const record = STRIDE * ((entry & ~tagMask) - 1)
      if (
        records[record] === identities[at] &&
        records[record + 1] === second &&
        records[record + 2] === identities[at + 2] &&
        records[record + 3] === identities[at + 3]
      ) {
        return place
      }
    }
  }

  #recordOf(entry: number): number {
    return STRIDE * ((entry & ~this.#tagMask) - 1)
  }

  /** Drops what may be forgotten, and makes room where that is not enough. */
  #rebuild(): void {
    const before = this.#records
    let kept = 0
    for (let record = 0; record < before.length; record += STRIDE) {
      if (before[record + MINUTE]! < this.#floorMinute) continue
      if (record !== STRIDE * kept) before.copyWithin(STRIDE * kept, record, record + STRIDE)
      kept++
    }
    this.#size = kept
    if (2 * kept > this.#capacity) {
      this.#capacity *= 2
      this.#records = new Int32Array(STRIDE * this.#capacity)
      this.#records.set(before)
    }
    this.#index = new Int32Array(2 * this.#capacity)
    this.#tagMask = tagMaskOf(this.#capacity)
    const mask = this.#index.length - 1
    for (let number = 0; number < kept; number++) {
      let place = this.#records[STRIDE * number]! & mask
      while (this.#index[place] !== 0) place = (place + 1) & mask
      this.#index[place] = (this.#records[STRIDE * number + 1]! & this.#tagMask) | (number + 1)
    }
  }
}

/** The bits of an index entry that no record's number needs. */
function tagMaskOf(capacity: number): number {
  return -2 * capacity
}

/** Identities as the words that a set takes: the same bytes, or a copy where they do not stand as words do. */
export function identityWords(identities: Uint8Array): Int32Array {
  const { buffer, byteOffset, byteLength } =
    identities.byteOffset % 4 === 0 ? identities : identities.slice()
  return new Int32Array(buffer, byteOffset, byteLength >> 2)
}
