import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Producer } from '#lib/domain/ingest/producer.ts'
import type { OutgoingRecord } from '#lib/domain/ingest/producer-sink.ts'
import {
  eventSlot,
  PARTITION_SLOTS,
  partitionSlot,
  slotHashKey,
} from '#lib/domain/ingest/producer-slot.ts'
import { seededRandom } from '#lib/domain/ops/seeded-random.ts'
import { MemoryCell, tripsContract } from '#test/support/memory-cell.ts'
import { idsIn, MemoryStream, shardOf, THROTTLED } from '#test/support/memory-stream.ts'
import { record, tripText } from '#test/support/trip-events.ts'

const powers = (...exponents: number[]) => fc.constantFrom(...exponents.map((one) => 2 ** one))
const ids = fc.constantFrom<(i: number) => string>(
  (i) => String(i),
  (i) => `trip-${i}`,
  (i) => `https://example.com/événements/${i}/créé`,
  (i) => `018f6f3e-7b1a-7c3d-9e2f-${i.toString(16).padStart(12, '0')}`,
)

/** How often each of them occurs. */
function occurrences<Item>(items: readonly Item[]): Map<Item, number> {
  const counts = new Map<Item, number>()
  for (const item of items) counts.set(item, (counts.get(item) ?? 0) + 1)
  return counts
}

/** A stream that throttles, and whose answers get lost, now and then. */
function roughStream(seed: number): MemoryStream {
  const chance = seededRandom(seed)
  return new MemoryStream(async (records, self) => {
    await sleep(0)
    const outcomes = records.map((one) => (chance() < 0.2 ? THROTTLED : self.take([one])[0]!))
    if (chance() < 0.2) throw new Error('socket hang up')
    return outcomes
  })
}

function producer(stream: MemoryStream, options: object): Producer {
  const random = seededRandom(1)
  const settings = { lingerMs: 1, maxAttempts: 1_000, ...options }
  return new Producer({ sink: stream, sleep: () => sleep(0), random, ...settings })
}

describe('a hot key that the contract lets be spread', () => {
  it('takes exactly so many slots, each about equally often', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: PARTITION_SLOTS }),
        fc.string({ unit: 'grapheme' }),
        ids,
        (spread, partitionKey, idOf) => {
          const events = Array.from({ length: 300 * spread }, (_, i) => {
            return { source: '/test', id: idOf(i), partitionKey }
          })

          const counts = occurrences(events.map((event) => eventSlot(event, spread)))

          expect(counts.size).toBe(spread)
          expect(Math.min(...counts.values())).toBeGreaterThan(300 * 0.6)
          expect(Math.max(...counts.values())).toBeLessThan(300 * 1.4)
        },
      ),
      { numRuns: 60 },
    )
  })

  it('loads the shards of the stream evenly, as many as its spread reaches', () => {
    fc.assert(
      fc.property(powers(1, 2, 3, 4), powers(1, 2, 3, 4, 6), fc.string(), (shards, spread, key) => {
        const events = Array.from({ length: 400 * shards }, (_, i) => {
          return { source: '/test', id: `e${i}`, partitionKey: key }
        })

        const loads = occurrences(
          events.map((event) =>
            shardOf({ hashKey: slotHashKey(eventSlot(event, spread)) }, shards),
          ),
        )

        const reached = Math.min(shards, spread)
        expect(loads.size).toBe(reached)
        for (const load of loads.values()) {
          expect(load / (events.length / reached)).toBeGreaterThan(0.8)
          expect(load / (events.length / reached)).toBeLessThan(1.2)
        }
      }),
    )
  })

  it('is one slot of its own where it may not be spread', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.string(), (source, id, partitionKey) => {
        expect(eventSlot({ source, id, partitionKey }, 1)).toBe(partitionSlot(partitionKey))
      }),
    )
  })

  it.each([0, 1.5, Number.NaN, PARTITION_SLOTS + 1])('but not over %d slots', (spread) => {
    expect(() => producer(new MemoryStream(), { spread })).toThrow(
      `spread is ${spread}: write a whole number from 1 to 64`,
    )
  })
})

describe('an event of a hot key', () => {
  it('always goes to the same partition, whoever sends it, however often and in whichever way', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: PARTITION_SLOTS }),
        fc.tuple(fc.integer(), fc.integer()),
        async (spread, seeds) => {
          const streams = seeds.map(roughStream)
          const ways = [
            { order: 'key', batchEvents: 2, concurrency: 4 },
            { order: 'none', batchEvents: 7, concurrency: 1 },
          ]
          for (const [i, stream] of streams.entries()) {
            const under = producer(stream, { spread, ...ways[i] })
            for (let n = 0; n < 50; n++) {
              const id = `e${n % 40}`
              const text = JSON.stringify({ id })
              await under.send({ source: '/test', id, text, partitionKey: 'hot' })
            }
            await under.close()
          }

          const partitionsOf = new Map<string, Set<string>>()
          for (const one of streams.flatMap((stream) => stream.taken)) {
            for (const id of idsIn(one)) {
              const known = partitionsOf.get(id) ?? new Set()
              partitionsOf.set(id, known.add(`${one.partitionKey} ${one.hashKey}`))
            }
          }
          expect(partitionsOf.size).toBe(40)
          expect([...partitionsOf.values()].filter((found) => found.size > 1)).toEqual([])
        },
      ),
      { numRuns: 20 },
    )
  })

  it('meets its first try in the archive of its shard: sent again it is a duplicate', async () => {
    const shards = 4
    const cell = new MemoryCell(await tripsContract())
    const sent: OutgoingRecord[] = []
    for (const seed of [1, 2, 3]) {
      const stream = roughStream(seed)
      const under = producer(stream, { spread: 16, batchEvents: 1 + seed })
      for (let i = 0; i < 80; i++) {
        const id = `trip-${i}`
        await under.send({ source: '/nyc', id, text: tripText({ id }), partitionKey: '236' })
      }
      await under.close()
      sent.push(...stream.taken)
    }
    const loads = occurrences(sent.map((one) => shardOf(one, shards)))

    for (let shard = 0; shard < shards; shard++) {
      const own = sent.filter((one) => shardOf(one, shards) === shard)
      await cell.archive().take(
        `shardId-${String(shard).padStart(12, '0')}`,
        own.map(({ data }, i) => record(i + 1, data)),
      )
    }
    await cell.commit()
    const { curated, counts } = await cell.outcome()

    expect(loads.size).toBe(shards)
    expect(curated).toEqual(Array.from({ length: 80 }, (_, i) => `trip-${i}`).sort())
    expect(counts).toMatchObject({ admitted: 80, rejected: 0 })
    expect(counts.duplicate).toBe(sent.flatMap(idsIn).length - 80)
  })
})

describe('slots', () => {
  it('divide the range of hash keys: even shards have equally many', () => {
    const slots = Array.from({ length: PARTITION_SLOTS }, (_, slot) => slot)
    for (const shards of [1, 2, 4, 8, 16, 32, 64]) {
      const counts = occurrences(
        slots.map((slot) => shardOf({ hashKey: slotHashKey(slot) }, shards)),
      )

      expect([...counts.values()]).toEqual(Array(shards).fill(PARTITION_SLOTS / shards))
    }
    expect(BigInt(slotHashKey(PARTITION_SLOTS - 1))).toBeLessThan(2n ** 128n)
  })
})
