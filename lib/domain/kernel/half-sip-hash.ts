/** 64 bits, as two words. */
export interface HashKey {
  readonly low: number
  readonly high: number
}

/**
 * HalfSipHash with 64 bits of result: Aumasson and Bernstein's SipHash ("SipHash: a fast short-input PRF", 2012) in
 * words of 32 bits, which is what JavaScript has fast. The same on every machine and for ever. Under a key that an
 * attacker does not know nobody can make values collide; under one that everybody knows it only spreads them evenly.
 */
export class HalfSipHash {
  /** Of the last {@link digest}, unsigned: the first and the second 32 bits. */
  first = 0
  second = 0
  readonly #key: HashKey
  readonly #rounds: number
  readonly #finalRounds: number

  /** One round a word and three at the end, as hash tables use it. */
  constructor(key: HashKey, rounds = 1, finalRounds = 3) {
    this.#key = key
    this.#rounds = rounds
    this.#finalRounds = finalRounds
  }

  /** Leaves the hash of the bytes from `start` to `end` in `first` and `second`. */
  digest(bytes: Uint8Array, start: number, end: number): void {
    const { low, high } = this.#key
    let v0 = low
    let v1 = high ^ 0xee
    let v2 = low ^ 0x6c796765
    let v3 = high ^ 0x74656462
    const words = (end - start) >> 2
    for (let word = 0; word <= words; word++) {
      const at = start + 4 * word
      const m = word < words ? wordAt(bytes, at) : lastWord(bytes, at, end, end - start)
      v3 ^= m
      for (let round = 0; round < this.#rounds; round++) {
        v0 = (v0 + v1) | 0
        v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0
        v0 = (v0 << 16) | (v0 >>> 16)
        v2 = (v2 + v3) | 0
        v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2
        v0 = (v0 + v3) | 0
        v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0
        v2 = (v2 + v1) | 0
        v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2
        v2 = (v2 << 16) | (v2 >>> 16)
      }
      v0 ^= m
    }
    v2 ^= 0xee
    for (let half = 0; half < 2; half++) {
      for (let round = 0; round < this.#finalRounds; round++) {
        v0 = (v0 + v1) | 0
        v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0
        v0 = (v0 << 16) | (v0 >>> 16)
        v2 = (v2 + v3) | 0
        v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2
        v0 = (v0 + v3) | 0
        v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0
        v2 = (v2 + v1) | 0
        v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2
        v2 = (v2 << 16) | (v2 >>> 16)
      }
      if (half === 0) {
        this.first = (v1 ^ v3) >>> 0
        v1 ^= 0xdd
      } else this.second = (v1 ^ v3) >>> 0
    }
  }
}

function wordAt(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
}

/** What is left of the bytes, below the length's last eight bits. */
function lastWord(bytes: Uint8Array, at: number, end: number, length: number): number {
  let word = length << 24
  if (at + 2 < end) word |= bytes[at + 2]! << 16
  if (at + 1 < end) word |= bytes[at + 1]! << 8
  if (at < end) word |= bytes[at]!
  return word
}
