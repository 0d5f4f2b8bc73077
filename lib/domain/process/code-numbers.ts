/** Numbers for codes: open addressing in one typed array, so that what is looked up often stands close together. */
export class CodeNumbers {
  /** At each place a code, or −1, and its number beside it. */
  #places = emptyPlaces(64)
  #count = 0

  /** The number of a code: `next`, if it has none yet. */
  numberOf(code: number, next: number): number {
    const places = this.#places
    const mask = places.length - 2
    for (let at = placeOf(code) & mask; ; at = (at + 2) & mask) {
      const known = places[at]!
      if (known === code) return places[at + 1]!
      if (known === -1) {
        places[at] = code
        places[at + 1] = next
        // Half full at most.
        if (4 * ++this.#count >= places.length) this.#grow()
        return next
      }
    }
  }

  #grow(): void {
    const before = this.#places
    const places = emptyPlaces(before.length)
    const mask = places.length - 2
    for (let from = 0; from < before.length; from += 2) {
      if (before[from] === -1) continue
      let at = placeOf(before[from]!) & mask
      while (places[at] !== -1) at = (at + 2) & mask
      places[at] = before[from]!
      places[at + 1] = before[from + 1]!
    }
    this.#places = places
  }
}

function placeOf(code: number): number {
  return (Math.imul(code, 0x9e3779b1) >>> 7) << 1
}

function emptyPlaces(capacity: number): Int32Array {
  return new Int32Array(2 * capacity).fill(-1)
}
