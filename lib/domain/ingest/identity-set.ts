const LEAST_CAPACITY = 1 << 10
const EMPTY = -0x80000000
/** Words of a place: those of an identity, and the minute. */
const STRIDE = 5
const MINUTE = 4

/**
 * Admitted identities and the arrival minute of each: open addressing over one typed array, 20 bytes a place,
 * no object per event. Memory: about 2 x horizon x rate x 20 bytes. An identity is four words from a place on.
 */
export class IdentitySet {
  #capacity: number
  #size = 0
  /** Identity and minute side by side: a look-up that finds neither in the processor's cache waits once. */
  #places: Int32Array
  #floorMinute = Number.NEGATIVE_INFINITY

  /** With room for so many at first; it grows as needed. */
  constructor(expected = 0) {
    this.#capacity = LEAST_CAPACITY
    while (this.#capacity < 2 * expected) this.#capacity *= 2
    this.#places = emptyPlaces(this.#capacity)
  }

  get size(): number {
    return this.#size
  }

  get sizeBytes(): number {
    return this.#places.byteLength
  }

  /** The latest arrival minute at which this identity was admitted. */
  minuteOf(identities: Int32Array, at = 0): number | undefined {
    const minute = this.#places[this.#placeOf(identities, at) + MINUTE]!
    return minute === EMPTY ? undefined : minute
  }

  /**
   * The same of many, one behind the other: {@link NEVER} where there is none. The processor waits for many places at
   * once, if nothing else is done between them.
   */
  minutesOf(identities: Int32Array, count: number): Int32Array {
    const minutes = new Int32Array(count)
    const places = this.#places
    const mask = this.#capacity - 1
    for (let i = 0; i < count; i++) {
      const at = 4 * i
      const first = identities[at]!
      let place = STRIDE * (first & mask)
      while (
        places[place + MINUTE] !== EMPTY &&
        (places[place] !== first ||
          places[place + 1] !== identities[at + 1] ||
          places[place + 2] !== identities[at + 2] ||
          places[place + 3] !== identities[at + 3])
      ) {
        place += STRIDE
        if (place === places.length) place = 0
      }
      minutes[i] = places[place + MINUTE]!
    }
    return minutes
  }

  /** Remembers an admission. Of several, the latest minute counts. */
  add(identities: Int32Array, minute: number, at = 0): void {
    if ((this.#size + 1) * 2 > this.#capacity) this.#rebuild()
    const place = this.#placeOf(identities, at)
    const places = this.#places
    const known = places[place + MINUTE]!
    if (known === EMPTY) {
      places[place] = identities[at]!
      places[place + 1] = identities[at + 1]!
      places[place + 2] = identities[at + 2]!
      places[place + 3] = identities[at + 3]!
      this.#size++
    }
    if (known < minute) places[place + MINUTE] = minute
  }

  /** Admissions before this minute may be forgotten; they are at the next growth. */
  forgetBefore(minute: number): void {
    this.#floorMinute = minute
  }

  #placeOf(identities: Int32Array, at: number): number {
    const places = this.#places
    const first = identities[at]!
    // The identity is already a keyed hash: its first word needs no further mixing.
    let place = STRIDE * (first & (this.#capacity - 1))
    while (
      places[place + MINUTE] !== EMPTY &&
      (places[place] !== first ||
        places[place + 1] !== identities[at + 1] ||
        places[place + 2] !== identities[at + 2] ||
        places[place + 3] !== identities[at + 3])
    ) {
      place += STRIDE
      if (place === places.length) place = 0
    }
    return place
  }

  #rebuild(): void {
    const before = this.#places
    const isKept = (place: number) =>
      before[place + MINUTE] !== EMPTY && before[place + MINUTE]! >= this.#floorMinute
    this.#size = 0
    for (let place = 0; place < before.length; place += STRIDE) if (isKept(place)) this.#size++
    while (this.#size * 4 > this.#capacity) this.#capacity *= 2
    this.#places = emptyPlaces(this.#capacity)
    for (let place = 0; place < before.length; place += STRIDE) {
      if (!isKept(place)) continue
      const target = this.#placeOf(before, place)
      for (let i = 0; i < STRIDE; i++) this.#places[target + i] = before[place + i]!
    }
  }
}

/** In {@link IdentitySet.minutesOf}: less than any minute. */
export const NEVER = EMPTY

function emptyPlaces(capacity: number): Int32Array {
  const places = new Int32Array(STRIDE * capacity)
  for (let at = MINUTE; at < places.length; at += STRIDE) places[at] = EMPTY
  return places
}

/** Identities as the words that a set takes: the same bytes, or a copy where they do not stand as words do. */
export function identityWords(identities: Uint8Array): Int32Array {
  const { buffer, byteOffset, byteLength } =
    identities.byteOffset % 4 === 0 ? identities : identities.slice()
  return new Int32Array(buffer, byteOffset, byteLength >> 2)
}
