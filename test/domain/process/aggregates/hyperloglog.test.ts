import { expect, it } from 'vitest'
import { seededRandom } from '#lib/domain/ops/seeded-random.ts'
import {
  mergeSketches,
  packRegisters,
  sketchOf,
  tokenOf,
  unpackRegisters,
} from '#lib/domain/process/aggregates/hyperloglog.ts'

/** The registers by their definition: of each hash the first bits pick one, the zeros that follow are counted. */
function oracle(hashes: readonly bigint[], precision: number): number[] {
  const registers = new Array<number>(2 ** precision).fill(0)
  for (const hash of hashes) {
    const bits = hash.toString(2).padStart(64, '0')
    const register = Number.parseInt(bits.slice(0, precision), 2)
    const rank = 1 + /^0*/.exec(bits.slice(precision))![0].length
    registers[register] = Math.max(registers[register]!, rank)
  }
  return registers
}

/** Hashes of which many begin, behind the index, with a long run of zeros. */
function hashes(count: number, seed: number): bigint[] {
  const random = seededRandom(seed)
  const word = () => BigInt(Math.floor(random() * 2 ** 32))
  return Array.from({ length: count }, (_, i) => {
    const hash = (word() << 32n) | word()
    const kept = i % 65
    // The first four bits stay: what comes before the kept ones is zero.
    const low = hash & ((1n << BigInt(kept)) - 1n)
    return i % 2 === 0 ? hash : (hash & (0xfn << 60n)) | (low & ~(0xfn << 60n))
  })
}

function tokensOf(some: readonly bigint[]): Uint32Array {
  return Uint32Array.from(some, (hash) =>
    tokenOf(Number(hash >> 32n), Number(hash & 0xffffffffn)),
  ).sort()
}

it.each([4, 5, 8, 11, 14])(
  'of precision %d keeps of every hash what its registers say',
  (precision) => {
    const some = hashes(20_000, precision)
    const expected = oracle(some, precision)

    const whole = sketchOf(tokensOf(some), precision)
    const merged = [0, 1, 2]
      .map((part) => sketchOf(tokensOf(some.filter((_, i) => i % 3 === part)), precision))
      .reduce((a, b) => mergeSketches(a, b, precision))

    for (const sketch of [whole, merged]) {
      if (!('registers' in sketch)) throw new Error('20,000 hashes do not fit as tokens')
      expect([...sketch.registers]).toEqual(expected)
      expect(unpackRegisters(packRegisters(sketch.registers))).toEqual(sketch.registers)
    }
    expect(Math.max(...expected)).toBe(65 - precision)
  },
)
