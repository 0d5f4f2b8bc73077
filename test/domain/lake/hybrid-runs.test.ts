import { readRleBitPackedHybrid } from 'hyparquet/src/encoding.js'
import { expect, it } from 'vitest'
import { GrowingBytes } from '#lib/domain/lake/parquet/growing-bytes.ts'
import { bitWidth, writeHybrid } from '#lib/domain/lake/parquet/hybrid-runs.ts'
import { seededRandom } from '#lib/domain/ops/seeded-random.ts'

it('numbers of any width come back from runs and packed groups', () => {
  const random = seededRandom(7)
  for (let width = 1; width <= 24; width++) {
    for (const length of [1, 7, 8, 9, 31, 32, 33, 40, 47, 100, 1_000]) {
      for (const longestRun of [1, 12, 33, 90]) {
        const numbers = new Int32Array(length)
        for (let at = 0; at < length; ) {
          const end = Math.min(length, at + 1 + Math.floor(random() * longestRun))
          numbers.fill(Math.floor(random() * 2 ** width), at, end)
          at = end
        }
        const from = Math.floor(random() * 3) % length
        const out = new GrowingBytes(1)

        writeHybrid(out, numbers, from, length, width)

        const bytes = out.written()
        const reader = {
          view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length),
          offset: 0,
        }
        const read = new Array<number>(length - from)
        readRleBitPackedHybrid(reader, width, read, bytes.length)
        expect([width, longestRun, read]).toEqual([width, longestRun, [...numbers.subarray(from)]])
        expect(reader.offset).toBe(bytes.length)
      }
    }
  }
})

it('takes as few bits as the numbers below a count need, and at least one', () => {
  expect([1, 2, 3, 4, 5, 256, 257].map(bitWidth)).toEqual([1, 1, 2, 2, 3, 8, 9])
})
