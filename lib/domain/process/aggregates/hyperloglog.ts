/**
 * HyperLogLog: registers as Flajolet, Fusy, Gandouet and Meunier have them (2007), 64 bits of hash and a sparse form as
 * Heule, Nunkesser and Hall (HyperLogLog++, 2013), the estimator of Ertl ("New cardinality estimation algorithms for
 * HyperLogLog sketches", 2017), which needs no tables of measured biases.
 *
 * A state is a function of the set of hashes that it has seen and of nothing else: sparse while the tokens of that set
 * take no more room than the registers would, dense from then on. So it does not depend on the order of merging.
 */
export type Sketch =
  /** Tokens in ascending order, each once. */
  | { readonly tokens: Uint32Array }
  /** The highest rank that was seen, per register. */
  | { readonly registers: Uint8Array }

export const EMPTY: Sketch = { tokens: new Uint32Array() }

/** Bits of a hash that a token keeps as they are; of the 38 others, 6 of them in the first word, it keeps the rank. */
const INDEX_BITS = 26
const RANK_BITS = 32 - INDEX_BITS
const RANK_MASK = 2 ** RANK_BITS - 1
/** Bits of a register's stored form. */
const REGISTER_BITS = 6
const HASH_BITS = 64

/** What a sketch of any precision needs of a hash, in 32 bits: never 0. */
export function tokenOf(first: number, second: number): number {
  const rest = first & RANK_MASK
  // The rank: one more than the zeros in front of the first 1.
  const rank = 1 + (rest === 0 ? RANK_BITS + Math.clz32(second) : Math.clz32(rest) - INDEX_BITS)
  return ((first & ~RANK_MASK) | rank) >>> 0
}

/** Where a hash has zeros only, behind the bits that pick the register. */
export function greatestRank(precision: number): number {
  return HASH_BITS - precision + 1
}

/** Bytes of the registers, and of the most tokens that are kept instead. */
export function denseBytes(precision: number): number {
  return (2 ** precision * REGISTER_BITS) / 8
}

/** Whether these tokens or registers can be a sketch's. */
export function isSketch(sketch: Sketch, precision: number): boolean {
  if ('tokens' in sketch) {
    const { tokens } = sketch
    const isSorted = tokens.every((token, at) => at === 0 || token > tokens[at - 1]!)
    return isSorted && tokens.length <= denseBytes(precision) / 4
  }
  const greatest = greatestRank(precision)
  return (
    sketch.registers.length === 2 ** precision && sketch.registers.every((rank) => rank <= greatest)
  )
}

/** A sketch of tokens in ascending order, which may occur more than once. */
export function sketchOf(sorted: Uint32Array, precision: number): Sketch {
  const most = denseBytes(precision) / 4
  const tokens = new Uint32Array(Math.min(sorted.length, most))
  let count = 0
  for (let at = 0; at < sorted.length; at++) {
    if (at > 0 && sorted[at] === sorted[at - 1]) continue
    if (count === most) return { registers: withTokens(undefined, sorted, precision) }
    tokens[count++] = sorted[at]!
  }
  return { tokens: tokens.slice(0, count) }
}

export function mergeSketches(a: Sketch, b: Sketch, precision: number): Sketch {
  if ('tokens' in a && 'tokens' in b) {
    if (a.tokens.length === 0) return b
    if (b.tokens.length === 0) return a
    const tokens = new Uint32Array(a.tokens.length + b.tokens.length)
    tokens.set(a.tokens)
    tokens.set(b.tokens, a.tokens.length)
    return sketchOf(tokens.sort(), precision)
  }
  if ('tokens' in a) return mergeSketches(b, a, precision)
  if ('tokens' in b) return { registers: withTokens(a.registers, b.tokens, precision) }
  const registers = a.registers.slice()
  for (let at = 0; at < registers.length; at++) {
    if (b.registers[at]! > registers[at]!) registers[at] = b.registers[at]!
  }
  return { registers }
}

/** Distinct hashes. While sparse their number itself: two share a token once in 2^27. */
export function cardinality(sketch: Sketch): number {
  if ('tokens' in sketch) return sketch.tokens.length
  const { registers } = sketch
  const greatest = greatestRank(31 - Math.clz32(registers.length))
  const counts = new Float64Array(greatest + 1)
  for (const rank of registers) counts[rank]!++
  const m = registers.length
  let sum = m * tau(1 - counts[greatest]! / m)
  for (let rank = greatest - 1; rank >= 1; rank--) sum = (sum + counts[rank]!) / 2
  sum += m * sigma(counts[0]! / m)
  // Registers that are all full tell of no end.
  return Math.min(Math.round((m * m) / (2 * Math.LN2 * sum)), Number.MAX_SAFE_INTEGER)
}

/** Registers as six bits each, for storage. */
export function packRegisters(registers: Uint8Array): Uint8Array {
  const packed = new Uint8Array((registers.length * REGISTER_BITS) / 8)
  for (let at = 0, to = 0; at < registers.length; at += 4, to += 3) {
    const bits =
      (registers[at]! << 18) |
      (registers[at + 1]! << 12) |
      (registers[at + 2]! << 6) |
      registers[at + 3]!
    packed[to] = bits >> 16
    packed[to + 1] = bits >> 8
    packed[to + 2] = bits
  }
  return packed
}

export function unpackRegisters(packed: Uint8Array): Uint8Array {
  const registers = new Uint8Array((packed.length * 8) / REGISTER_BITS)
  for (let at = 0, from = 0; at < registers.length; at += 4, from += 3) {
    const bits = (packed[from]! << 16) | (packed[from + 1]! << 8) | packed[from + 2]!
    registers[at] = bits >> 18
    registers[at + 1] = (bits >> 12) & 0x3f
    registers[at + 2] = (bits >> 6) & 0x3f
    registers[at + 3] = bits & 0x3f
  }
  return registers
}

function withTokens(
  registers: Uint8Array | undefined,
  tokens: Uint32Array,
  precision: number,
): Uint8Array {
  const raised = registers?.slice() ?? new Uint8Array(2 ** precision)
  const spare = INDEX_BITS - precision
  for (let at = 0; at < tokens.length; at++) {
    const token = tokens[at]!
    const register = token >>> (32 - precision)
    // The bits between the register's and the token's rank: a 1 among them ends the run of zeros.
    const between = (token >>> RANK_BITS) & (2 ** spare - 1)
    const rank =
      between === 0 ? spare + (token & RANK_MASK) : 1 + Math.clz32(between) - (32 - spare)
    if (rank > raised[register]!) raised[register] = rank
  }
  return raised
}

/** x + Σ x^(2^k) × 2^(k − 1) over k from 1; for x = 1 infinite. */
function sigma(share: number): number {
  if (share === 1) return Infinity
  let power = share
  let weight = 1
  let sum = share
  for (;;) {
    power *= power
    const before = sum
    sum += power * weight
    weight += weight
    if (sum === before) return sum
  }
}

/** (1 − x − Σ (1 − x^(2^−k))² × 2^−k over k from 1) / 3. */
function tau(share: number): number {
  if (share === 0 || share === 1) return 0
  let root = share
  let weight = 1
  let sum = 1 - share
  for (;;) {
    root = Math.sqrt(root)
    const before = sum
    weight /= 2
    sum -= (1 - root) ** 2 * weight
    if (sum === before) return sum / 3
  }
}
