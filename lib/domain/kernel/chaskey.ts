const BLOCK_WORDS = 4
const BLOCK_BYTES = 16

/**
 * Chaskey-12, a message authentication code of 128 bits under a key of 128 bits, made for words of 32 bits, which is what
 * JavaScript has fast (Mouha et al., "Chaskey: an efficient MAC algorithm for 32-bit microcontrollers", 2014; with the
 * twelve rounds of ISO/IEC 29192-6). Who does not know the key can neither foretell a code nor make two messages collide.
 */
export class Chaskey {
  readonly #key: Int32Array
  /** The key doubled and doubled again in GF(2^128): what closes a message, by whether its last block is full. */
  readonly #forFull: Int32Array
  readonly #forCut: Int32Array
  readonly #rounds: number
  #words = new Int32Array(64)
  #bytes = new Uint8Array(this.#words.buffer)
  #view = new DataView(this.#words.buffer)

  /** Throws if the key has not 16 bytes. */
  constructor(key: Uint8Array, rounds = 12) {
    if (key.length !== BLOCK_BYTES) throw new Error(`a key has ${BLOCK_BYTES} bytes`)
    this.#key = new Int32Array(key.slice().buffer)
    this.#forFull = doubled(this.#key)
    this.#forCut = doubled(this.#forFull)
    this.#rounds = rounds
  }

  /** Where a message of so many bytes is to be written before {@link write}. */
  messageOf(length: number): DataView {
    if (length + BLOCK_BYTES > this.#bytes.length) {
      this.#words = new Int32Array(2 * (Math.ceil(length / BLOCK_BYTES) + 1) * BLOCK_WORDS)
      this.#bytes = new Uint8Array(this.#words.buffer)
      this.#view = new DataView(this.#words.buffer)
    }
    return this.#view
  }

  /** Writes the code of the message's first so many bytes as four words from a place on. */
  write(length: number, output: Int32Array, at: number): void {
    const words = this.#words
    const rounds = this.#rounds
    const blocks = length === 0 ? 1 : (length + BLOCK_BYTES - 1) >> 4
    const isFull = length > 0 && (length & (BLOCK_BYTES - 1)) === 0
    if (!isFull) {
      const bytes = this.#bytes
      bytes[length] = 1
      for (let i = length + 1; i < blocks * BLOCK_BYTES; i++) bytes[i] = 0
    }
    const closing = isFull ? this.#forFull : this.#forCut
    let v0 = this.#key[0]!
    let v1 = this.#key[1]!
    let v2 = this.#key[2]!
    let v3 = this.#key[3]!
    for (let block = 0; block < blocks; block++) {
      const word = block * BLOCK_WORDS
      v0 ^= words[word]!
      v1 ^= words[word + 1]!
      v2 ^= words[word + 2]!
      v3 ^= words[word + 3]!
      if (block === blocks - 1) {
        v0 ^= closing[0]!
        v1 ^= closing[1]!
        v2 ^= closing[2]!
        v3 ^= closing[3]!
      }
      for (let round = 0; round < rounds; round++) {
        v0 = (v0 + v1) | 0
        v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0
        v0 = (v0 << 16) | (v0 >>> 16)
        v2 = (v2 + v3) | 0
        v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2
        v0 = (v0 + v3) | 0
        v3 = ((v3 << 13) | (v3 >>> 19)) ^ v0
        v2 = (v2 + v1) | 0
        v1 = ((v1 << 7) | (v1 >>> 25)) ^ v2
        v2 = (v2 << 16) | (v2 >>> 16)
      }
    }
    output[at] = v0 ^ closing[0]!
    output[at + 1] = v1 ^ closing[1]!
    output[at + 2] = v2 ^ closing[2]!
    output[at + 3] = v3 ^ closing[3]!
  }
}

/** Times x in GF(2^128), reduced by x^128 + x^7 + x^2 + x + 1. */
function doubled(words: Int32Array): Int32Array {
  const [a, b, c, d] = [words[0]!, words[1]!, words[2]!, words[3]!]
  return Int32Array.of(
    (a << 1) ^ (d < 0 ? 0x87 : 0),
    (b << 1) | (a >>> 31),
    (c << 1) | (b >>> 31),
    (d << 1) | (c >>> 31),
  )
}
