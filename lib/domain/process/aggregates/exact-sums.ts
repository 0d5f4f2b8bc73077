/** A row may add so many integers to one group before words could lose bits: 2^21 times 2^32 is a double's 2^53. */
export const ADDITIONS_AT_ONCE = 2 ** 21

const WORD = 2 ** 32
const POWERS = Float64Array.from({ length: 33 }, (_, exponent) => 2 ** exponent)

/**
 * Sums per group that round nothing: a fixed-point number of 32-bit words per group, each in a double that has 21
 * bits of room for carries (the small superaccumulator of Neal, "Fast exact summation using small and large
 * superaccumulators", 2015). What is added in which order does not matter, because nothing is ever cut off.
 */
export class ExactSums {
  readonly #words: Float64Array
  readonly #width: number

  /** For integers of up to 53 bits at bit positions from 0 to `lastBit`. */
  constructor(groupCount: number, lastBit: number) {
    this.#width = (lastBit >> 5) + 3
    this.#words = new Float64Array(groupCount * this.#width)
  }

  /** Adds integer × 2^bit; |integer| at most 2^53. Call {@link drain} after {@link ADDITIONS_AT_ONCE}. */
  add(group: number, integer: number, bit: number): void {
    const at = group * this.#width + (bit >> 5)
    const room = POWERS[32 - (bit & 31)]!
    const rest = Math.floor(integer / room)
    const high = Math.floor(rest / WORD)
    this.#words[at]! += (integer - rest * room) * POWERS[bit & 31]!
    this.#words[at + 1]! += rest - high * WORD
    this.#words[at + 2]! += high
  }

  /** Adds each group's sum to `sums`, and starts anew from 0. */
  drain(sums: bigint[]): void {
    for (let group = 0; group < sums.length; group++) {
      const start = group * this.#width
      let sum = 0n
      for (let at = start + this.#width - 1; at >= start; at--) {
        const word = this.#words[at]!
        sum = word === 0 ? sum << 32n : (sum << 32n) + BigInt(word)
      }
      sums[group]! += sum
    }
    this.#words.fill(0)
  }
}
