const BLOCK_BYTES = 64
const DIGEST_BYTES = 32
/** Behind a message stand a bit and its length in bits. */
const TRAILER_BYTES = 9
const ROUNDS = 64

/** FIPS 180-4: fractions of the square roots of the first primes to start from, of their cube roots for the rounds. */
const primes = firstPrimes(ROUNDS)
const INITIAL = Int32Array.from(primes.slice(0, 8), (prime) => fraction(Math.sqrt(prime)))
const CONSTANTS = Int32Array.from(primes, (prime) => fraction(Math.cbrt(prime)))

/**
 * HMAC-SHA-256 (RFC 2104) of many short messages under one key. Preparing OpenSSL for a message of a line costs many
 * times what hashing it does.
 */
export class HmacSha256 {
  readonly #inner: Int32Array
  readonly #outer: Int32Array
  readonly #state = new Int32Array(8)
  readonly #words = new Int32Array(ROUNDS)
  #bytes = new Uint8Array(4 * BLOCK_BYTES)
  #view = new DataView(this.#bytes.buffer)

  /** `key`: at most 64 bytes. */
  constructor(key: Uint8Array) {
    if (key.length > BLOCK_BYTES) throw new Error(`a key has at most ${BLOCK_BYTES} bytes`)
    this.#inner = this.#keyed(key, 0x36)
    this.#outer = this.#keyed(key, 0x5c)
  }

  /** Where a message of so many bytes is to be written before it is hashed. */
  messageOf(bytes: number): Uint8Array {
    const wanted = bytes + TRAILER_BYTES + BLOCK_BYTES
    if (wanted > this.#bytes.length) {
      this.#bytes = new Uint8Array(2 * wanted)
      this.#view = new DataView(this.#bytes.buffer)
    }
    return this.#bytes
  }

  /** Writes the first 16 bytes of the digest of the message's first so many bytes to a place. */
  write128(length: number, output: DataView, at: number): void {
    const end = Math.ceil((length + TRAILER_BYTES) / BLOCK_BYTES) * BLOCK_BYTES
    this.#bytes[length] = 0x80
    this.#bytes.fill(0, length + 1, end)
    // The key's block came before the message. Below 2^32 bits: a line.
    this.#view.setInt32(end - 4, (BLOCK_BYTES + length) * 8)
    const state = this.#state
    const words = this.#words
    state.set(this.#inner)
    for (let block = 0; block < end; block += BLOCK_BYTES) {
      for (let i = 0; i < 16; i++) words[i] = this.#view.getInt32(block + 4 * i)
      compress(state, words)
    }
    words.set(state)
    words[8] = 0x80000000
    words.fill(0, 9, 15)
    words[15] = (BLOCK_BYTES + DIGEST_BYTES) * 8
    state.set(this.#outer)
    compress(state, words)
    for (let i = 0; i < 4; i++) output.setInt32(at + 4 * i, state[i]!)
  }

  #keyed(key: Uint8Array, pad: number): Int32Array {
    this.#bytes.fill(pad, 0, BLOCK_BYTES)
    for (const [i, byte] of key.entries()) this.#bytes[i] = byte ^ pad
    for (let i = 0; i < 16; i++) this.#words[i] = this.#view.getInt32(4 * i)
    const state = INITIAL.slice()
    compress(state, this.#words)
    return state
  }
}

/** One block, whose 16 words stand first in `w`, into the state. */
function compress(state: Int32Array, w: Int32Array): void {
  for (let i = 16; i < ROUNDS; i++) {
    const x = w[i - 15]!
    const y = w[i - 2]!
    const small0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3)
    const small1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10)
    w[i] = w[i - 16]! + small0 + w[i - 7]! + small1
  }
  let a = state[0]!
  let b = state[1]!
  let c = state[2]!
  let d = state[3]!
  let e = state[4]!
  let f = state[5]!
  let g = state[6]!
  let h = state[7]!
  for (let i = 0; i < ROUNDS; i++) {
    const big1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7))
    const chosen = g ^ (e & (f ^ g))
    const t = (h + big1 + chosen + CONSTANTS[i]! + w[i]!) | 0
    const big0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10))
    const majority = (a & b) | (c & (a | b))
    h = g
    g = f
    f = e
    e = (d + t) | 0
    d = c
    c = b
    b = a
    a = (t + big0 + majority) | 0
  }
  state[0] = state[0]! + a
  state[1] = state[1]! + b
  state[2] = state[2]! + c
  state[3] = state[3]! + d
  state[4] = state[4]! + e
  state[5] = state[5]! + f
  state[6] = state[6]! + g
  state[7] = state[7]! + h
}

/** The first 32 bits behind the point. */
function fraction(value: number): number {
  return Math.floor((value - Math.floor(value)) * 2 ** 32) | 0
}

function firstPrimes(count: number): number[] {
  const found: number[] = []
  for (let n = 2; found.length < count; n++) {
    if (found.every((prime) => n % prime !== 0)) found.push(n)
  }
  return found
}
