import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { murmur3 } from '#lib/domain/lake/murmur3.ts'
import type { PrimitiveType } from '#lib/domain/lake/schema.ts'
import type { ScalarValue } from '#lib/domain/lake/single-value.ts'
import {
  bucketOf,
  isTransform,
  type Transform,
  transformed,
  transformedType,
} from '#lib/domain/lake/transform.ts'

const MAX = 2 ** 31 - 1
/** The bucket of that many is the hash without its sign, which tells it but for one bit. */
const WIDEST = `bucket[${MAX}]` as const
const DAY = 17_486 // 2017-11-16
const TIME = BigInt(DAY) * 86_400_000_000n + 81_068_000_000n // 22:31:08

describe('the hash that buckets are made of', () => {
  // Appendix B of the table spec.
  it.each<[string, PrimitiveType, ScalarValue, number]>([
    ['int 34', 'int', 34, 2017239379],
    ['long 34', 'long', 34n, 2017239379],
    ['decimal 14.20', 'decimal(9, 2)', 1420n, -500754589],
    ['date 2017-11-16', 'date', DAY, -653330422],
    ['timestamp 2017-11-16T22:31:08', 'timestamptz', TIME, -2047944441],
    ['string iceberg', 'string', 'iceberg', 1210000089],
  ])('is what Iceberg’s spec says for %s', (_, type, value, hash) => {
    expect(transformed(WIDEST, type, value)).toBe(bucketOf(hash, MAX))
    expect(transformed('bucket[16]', type, value)).toBe((hash & MAX) % 16)
  })

  it.each([
    ['00010203', -188683207],
    // The UUID f79c3e09-677c-4bbd-a479-3f349cb785e7, and 22:31:08 as a time.
    ['f79c3e09677c4bbda4793f349cb785e7', 1488055340],
    ['008307e012000000', -662762989],
    ['', 0],
  ])('is what Iceberg’s spec says for the bytes %s', (hex, hash) => {
    expect(murmur3(Buffer.from(hex, 'hex'))).toBe(hash)
  })

  it('takes every byte into account, whatever the length', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 40 }), fc.nat(), (bytes, at) => {
        const other = Uint8Array.from(bytes)
        other[at % bytes.length]! ^= 1
        expect(murmur3(other)).not.toBe(murmur3(bytes))
        // A view into a larger buffer.
        const within = new Uint8Array([9, ...bytes, 9]).subarray(1, -1)
        expect(murmur3(within)).toBe(murmur3(bytes))
      }),
    )
  })
})

describe('transforms of a value', () => {
  it.each<[Transform, PrimitiveType, ScalarValue, ScalarValue | null]>([
    ['identity', 'string', 'x', 'x'],
    ['void', 'string', 'x', null],
    ['year', 'date', DAY, 47],
    ['year', 'timestamptz', TIME, 47],
    ['year', 'timestamptz', -1n, -1],
    ['month', 'date', DAY, 574],
    ['month', 'timestamptz', TIME, 574],
    ['month', 'timestamptz', -1n, -1],
    ['day', 'timestamptz', TIME, DAY],
    ['day', 'date', DAY, DAY],
    ['day', 'timestamptz', -1n, -1],
    ['hour', 'timestamptz', TIME, 419686],
    ['hour', 'timestamptz', -1n, -1],
    ['truncate[10]', 'int', 1, 0],
    ['truncate[10]', 'int', -1, -10],
    ['truncate[10]', 'long', 1n, 0n],
    ['truncate[10]', 'long', -1n, -10n],
    ['truncate[50]', 'decimal(9, 2)', 1065n, 1050n],
    ['truncate[50]', 'decimal(9, 2)', -1n, -50n],
    ['truncate[3]', 'string', 'iceberg', 'ice'],
    ['truncate[3]', 'string', 'ab', 'ab'],
    ['truncate[2]', 'string', '🚕ü🚕', '🚕ü'],
  ])('%s of a %s %s is %s', (transform, type, value, expected) => {
    expect(transformed(transform, type, value)).toBe(expected)
  })

  it('reach all times that there are', () => {
    const [first, last] = [-(2n ** 63n), 2n ** 63n - 1n]

    expect(transformed('year', 'timestamptz', first)).toBe(-292_278)
    expect(transformed('year', 'timestamptz', last)).toBe(292_277)
    expect(transformed('month', 'timestamptz', last)).toBe(292_277 * 12)
  })

  it('agree with the calendar on every day', () => {
    fc.assert(
      fc.property(fc.integer({ min: -30_000_000, max: 30_000_000 }), (day) => {
        const date = new Date(day * 86_400_000)
        const year = date.getUTCFullYear() - 1970
        expect(transformed('year', 'date', day)).toBe(year)
        expect(transformed('month', 'date', day)).toBe(year * 12 + date.getUTCMonth())
      }),
      { numRuns: 2000 },
    )
  })

  it('never put a value above its own truncation, nor further than the width', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -(2 ** 31) + 1000 }),
        fc.integer({ min: 1, max: 1000 }),
        (value, width) => {
          const cut = transformed(`truncate[${width}]`, 'int', value) as number
          expect(value - cut).toBeGreaterThanOrEqual(0)
          expect(value - cut).toBeLessThan(width)
          expect(Math.abs(cut % width)).toBe(0)
          expect(transformed(`truncate[${width}]`, 'long', BigInt(value))).toBe(BigInt(cut))
        },
      ),
    )
  })
})

describe('the type of what a transform makes', () => {
  const TYPES: readonly PrimitiveType[] = [
    'int',
    'long',
    'double',
    'boolean',
    'string',
    'date',
    'timestamptz',
    'decimal(9, 2)',
  ]
  it.each<[Transform, readonly (PrimitiveType | undefined)[]]>([
    ['identity', TYPES],
    ['void', TYPES],
    ['bucket[4]', ['int', 'int', undefined, undefined, 'int', 'int', 'int', 'int']],
    [
      'truncate[4]',
      ['int', 'long', undefined, undefined, 'string', undefined, undefined, 'decimal(9, 2)'],
    ],
    ['year', [...Array(5).fill(undefined), 'int', 'int', undefined]],
    ['month', [...Array(5).fill(undefined), 'int', 'int', undefined]],
    ['day', [...Array(5).fill(undefined), 'date', 'date', undefined]],
    ['hour', [...Array(6).fill(undefined), 'int', undefined]],
  ])('%s is known for each type', (transform, expected) => {
    expect(TYPES.map((type) => transformedType(transform, type))).toEqual(expected)
  })

  it('is asked only of transforms that exist', () => {
    const known = ['identity', 'void', 'day', 'bucket[1]', 'truncate[2147483647]']
    const unknown = ['days', 'bucket', 'bucket[0]', 'bucket[-1]', 'truncate[2147483648]', 'zorder']

    expect(known.map(isTransform)).toEqual(known.map(() => true))
    expect(unknown.map(isTransform)).toEqual(unknown.map(() => false))
  })
})
