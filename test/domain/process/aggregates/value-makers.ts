import type { Random } from '#lib/domain/ops/seeded-random.ts'

/** Values as they come, and as somebody makes them up who wants an aggregate to fail. */
export type Make<V> = (random: Random, count: number) => V[]

const many =
  <V>(one: (random: Random, position: number) => V): Make<V> =>
  (random, count) =>
    Array.from({ length: count }, (_, position) => one(random, position))

function bits64(random: Random): bigint {
  return BigInt.asIntN(
    64,
    (BigInt(Math.floor(random() * 2 ** 32)) << 32n) | BigInt(Math.floor(random() * 2 ** 32)),
  )
}

/** Any finite double: every exponent is as likely as any other. */
function anyDouble(random: Random): number {
  const double = new Float64Array(BigInt64Array.of(bits64(random)).buffer)[0]!
  return Number.isFinite(double) ? double : 0
}

const zipf = (random: Random) => Math.floor(1 / (1 - random()) ** 0.9)

export const LONGS: Readonly<Record<string, Make<bigint>>> = {
  small: many((random) => BigInt(Math.floor(random() * 2001) - 1000)),
  'of 64 bits': many(bits64),
  'at the ends of the range': many((random) =>
    random() < 0.5
      ? 2n ** 63n - 1n - BigInt(random() < 0.5)
      : -(2n ** 63n) + BigInt(random() < 0.5),
  ),
  'around 2^53': many((random) => 2n ** 53n + BigInt(Math.floor(random() * 5) - 2)),
  'around 2^32': many((random) => BigInt(Math.floor(random() * 2 ** 34) - 2 ** 33)),
  constant: many(() => -7n),
  zipf: many((random) => BigInt(zipf(random))),
  sorted: many((_, position) => BigInt(position)),
}

export const INTS: Readonly<Record<string, Make<bigint>>> = {
  small: LONGS.small!,
  'of 32 bits': many((random) => BigInt(Math.floor(random() * 2 ** 32) - 2 ** 31)),
  'at the ends of the range': many((random) => (random() < 0.5 ? 2n ** 31n - 1n : -(2n ** 31n))),
}

export const DOUBLES: Readonly<Record<string, Make<number>>> = {
  'between 0 and 1': many((random) => random()),
  'of any size and sign': many(anyDouble),
  tiny: many((random) => random() * 5e-322 * (random() < 0.5 ? -1 : 1)),
  huge: many((random) => (random() - 0.5) * Number.MAX_VALUE * 2 ** -12),
  'that cancel out': (random, count) => {
    const half = many(anyDouble)(random, count >> 1).map((double) => double / 4096)
    return [...half, ...half.map((double) => -double)]
  },
  'of both zeros': many((random) => (random() < 0.5 ? 0 : -0)),
  constant: many(() => 0.1),
  zipf: many(zipf),
  sorted: many((_, position) => position * 1.1),
  negative: many((random) => -Math.exp(random() * 20)),
}

const ALPHABET = ['', 'a', 'b', 'B', 'é', 'ﬀ', '😀', '𝒳', '\u0001', '"', ' ']

export const TEXTS: Readonly<Record<string, Make<string>>> = {
  'of all alphabets': many((random) =>
    Array.from(
      { length: Math.floor(random() * 5) },
      () => ALPHABET[Math.floor(random() * 11)],
    ).join(''),
  ),
  constant: many(() => 'the same'),
  zipf: many((random) => `value ${zipf(random)}`),
}

/** Every third value is left out. */
export function withNulls<V>(values: readonly V[], random: Random): (V | null)[] {
  return values.map((value) => (random() < 1 / 3 ? null : value))
}
