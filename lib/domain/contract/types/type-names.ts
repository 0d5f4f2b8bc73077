/** Names of types, each given once: a second one that reads the same gets a number. */
export class TypeNames {
  readonly #taken = new Set<string>()

  /** The name of what these words stand for, `shipping_address` as `ShippingAddress`. */
  take(...words: readonly string[]): string {
    const name = words.map(capitalised).join('')
    for (let count = 1; ; count++) {
      const candidate = count === 1 ? name : `${name}_${count}`
      if (this.#taken.has(candidate)) continue
      this.#taken.add(candidate)
      return candidate
    }
  }
}

function capitalised(words: string): string {
  return words
    .split('_')
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('')
}
