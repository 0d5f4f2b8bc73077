/** A list that is made as far as it is read. */
export class Sequence<Item> {
  readonly #made: Item[] = []
  readonly #rest: Iterator<Item>

  constructor(items: Iterable<Item>) {
    this.#rest = items[Symbol.iterator]()
  }

  /** The item at this place, or the last one if there are fewer; undefined if there is none. */
  at(index: number): Item | undefined {
    while (this.#made.length <= index) {
      const next = this.#rest.next()
      if (next.done === true) return this.#made.at(-1)
      this.#made.push(next.value)
    }
    return this.#made[index]
  }

  /** Whether there is an item at this place. */
  has(index: number): boolean {
    this.at(index)
    return this.#made.length > index
  }
}
