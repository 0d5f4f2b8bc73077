import { expect, it } from 'vitest'
import { HalfSipHash } from '#lib/domain/kernel/half-sip-hash.ts'

const REFERENCE_KEY = { low: 0x03020100, high: 0x07060504 }

/** Published by the authors: of the bytes 0, 1, 2, … under the key 0 to 7, with 2 and 4 rounds. */
it.each([
  [0, '218d1f59b9b83cc8'],
  [1, 'be552412f8387315'],
  [3, 'ce0f1a45f7060679'],
  [4, 'd5e78a175be52ea1'],
  [7, 'ff202728b07bc684'],
  [8, 'edfee820bce4858c'],
  [15, '217d0bcb4e81c902'],
  [63, '2ea63c71bf326087'],
])('gives what the reference gives for %d bytes', (length, expected) => {
  const bytes = Uint8Array.from({ length }, (_, at) => at)
  const hash = new HalfSipHash(REFERENCE_KEY, 2, 4)

  hash.digest(bytes, 0, length)

  const result = Buffer.alloc(8)
  result.writeUInt32LE(hash.first, 0)
  result.writeUInt32LE(hash.second, 4)
  expect(result.toString('hex')).toBe(expected)
})

it('takes the bytes between start and end, and no others', () => {
  const hash = new HalfSipHash(REFERENCE_KEY)
  const of = (bytes: readonly number[], start: number, end: number) => {
    hash.digest(Uint8Array.from(bytes), start, end)
    return [hash.first, hash.second]
  }

  expect(of([9, 1, 2, 3, 4, 5, 9], 1, 6)).toEqual(of([1, 2, 3, 4, 5], 0, 5))
  expect(of([1, 2, 3], 0, 3)).not.toEqual(of([1, 2, 3, 0], 0, 4))
})
