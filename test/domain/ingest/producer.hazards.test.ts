import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Producer, type ProducerEvent } from '#lib/domain/ingest/producer.ts'
import type { OutgoingRecord, RecordOutcome, RecordSink } from '#lib/domain/ingest/producer-sink.ts'
import {
  eventSlot,
  PARTITION_SLOTS,
  partitionSlot,
  slotName,
} from '#lib/domain/ingest/producer-slot.ts'
import { unpackRecord } from '#lib/domain/ingest/wire.ts'
import { sequenceNumber } from '#lib/domain/kernel/sequence-number.ts'
import { seededRandom } from '#lib/domain/ops/seeded-random.ts'
import { MemoryCell, tripsContract } from '#test/support/memory-cell.ts'
import { record, tripText } from '#test/support/trip-events.ts'

const LIMITS = { records: 500, bytes: 5 * 1024 * 1024, recordBytes: 1024 * 1024 }
const THROTTLED: RecordOutcome = { accepted: false, retryable: true, reason: 'throttled' }

/** A stream that keeps what it takes; `put` says what it takes and what it answers. */
class Stream implements RecordSink {
  readonly limits = LIMITS
  readonly taken: OutgoingRecord[] = []
  readonly #answer: (records: readonly OutgoingRecord[], stream: Stream) => Promise<RecordOutcome[]>

  constructor(
    answer: (records: readonly OutgoingRecord[], stream: Stream) => Promise<RecordOutcome[]>,
  ) {
    this.#answer = answer
  }

  put(records: readonly OutgoingRecord[]) {
    return this.#answer(records, this)
  }
}

const accept = (records: readonly OutgoingRecord[], stream: Stream): RecordOutcome[] => {
  stream.taken.push(...records)
  return records.map(() => ({ accepted: true }))
}

function producer(sink: RecordSink, options: Partial<ConstructorParameters<typeof Producer>[0]>) {
  const random = seededRandom(1)
  return new Producer({ sink, sleep: () => sleep(0), random, lingerMs: 1, ...options })
}

function event(id: string, partitionKey = 'k', padding = 0): ProducerEvent {
  const text = JSON.stringify({ id, padding: 'x'.repeat(padding) })
  return { source: '/test', id, text, partitionKey }
}

function idsOf(stream: Stream): string[] {
  return stream.taken.flatMap(({ data }) =>
    unpackRecord({ sequence: sequenceNumber('1'), arrivalMicros: 0, data }).map((one) =>
      one.kind === 'event' ? (JSON.parse(one.text) as { id: string }).id : one.reason,
    ),
  )
}

describe('a stream that is slower than its producer', () => {
  it('bounds the memory of ten times its load, and loses nothing', async () => {
    // A call takes as long as the producer needs to hand in ten times as much.
    let longest = 0
    const stream = new Stream(async (records, self) => {
      await sleep(20)
      return accept(records, self)
    })
    const bufferBytes = 256 * 1024
    const under = producer(stream, { bufferBytes, batchBytes: 16 * 1024, concurrency: 1 })
    const noise = seededRandom(7)
    globalThis.gc?.()
    for (let i = 0; i < 4_000; i++) {
      const padding = Array.from({ length: 100 }, () => noise().toString(36).slice(2)).join('')
      const text = JSON.stringify({ id: `e${i}`, padding })
      await under.send({ source: '/test', id: `e${i}`, text, partitionKey: `key-${i % 50}` })
      longest = Math.max(longest, under.heldBytes)
    }
    await under.close()

    expect(longest).toBeGreaterThan(bufferBytes / 2)
    expect(longest).toBeLessThan(bufferBytes * 1.05)
    expect(idsOf(stream)).toHaveLength(4_000)
  })

  it('makes it refuse events from a caller that does not wait, and says so', async () => {
    const stream = new Stream(async () => new Promise(() => {}))
    const bufferBytes = 64 * 1024
    const under = producer(stream, { bufferBytes })

    const outcomes = Array.from({ length: 1_000 }, (_, i) =>
      under.send(event(`e${i}`, 'k', 1_000)).then(
        () => 'taken',
        (error: { code: string; retryable: boolean }) => `${error.code} ${error.retryable}`,
      ),
    )
    const refused = await Promise.all(outcomes.slice(-10))

    expect(refused).toEqual(Array(10).fill('producer.bufferFull true'))
    expect(under.heldBytes).toBeLessThan(2 * bufferBytes + 2_000)
  })
})

describe('an answer that is lost', () => {
  it('doubles records in the stream and nothing in the lake', async () => {
    const cell = new MemoryCell(await tripsContract())
    const chance = seededRandom(3)
    const stream = new Stream(async (records, self) => {
      const outcomes = accept(records, self)
      // The stream has them; nobody learns of it.
      if (chance() < 0.5) throw new Error('socket hang up')
      return outcomes
    })
    const under = producer(stream, { batchEvents: 3, maxAttempts: 50 })

    for (let i = 0; i < 60; i++) {
      const id = `trip-${i}`
      const text = tripText({ id, zone: 1 + (i % 20) })
      await under.send({ source: '/nyc-tlc/yellow', id, text, partitionKey: String(1 + (i % 20)) })
    }
    await under.close()
    await cell.archive().take(
      'shardId-000000000000',
      stream.taken.map(({ data }, i) => record(i + 1, data)),
    )
    await cell.commit()
    const { curated, counts } = await cell.outcome()

    expect(under.counts.retried).toBeGreaterThan(5)
    expect(counts.duplicate).toBeGreaterThan(5)
    expect(curated).toHaveLength(60)
    expect(new Set(curated).size).toBe(60)
  })
})

describe('a call that refuses some of its records', () => {
  it('is repeated with these alone, however often, in order', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer(), fc.constantFrom('key', 'none'), async (seed, order) => {
        const chance = seededRandom(seed)
        const stream = new Stream(async (records, self) => {
          await sleep(0)
          return records.map((one) => {
            if (chance() < 0.5) return THROTTLED
            self.taken.push(one)
            return { accepted: true }
          })
        })
        const under = producer(stream, { order, batchEvents: 2, maxAttempts: 1_000 })

        for (let i = 0; i < 40; i++) await under.send(event(`${i % 4}-${i}`, String(i % 4)))
        await under.close()

        const ids = idsOf(stream)
        expect(new Set(ids).size).toBe(40)
        expect(ids).toHaveLength(40)
        if (order === 'none') return
        for (const key of ['0', '1', '2', '3']) {
          const own = ids.filter((id) => id.startsWith(`${key}-`)).map((id) => Number(id.slice(2)))
          expect(own).toEqual(own.toSorted((a, b) => a - b))
        }
      }),
      { numRuns: 25 },
    )
  })
})

describe('being told to stop', () => {
  it('ends every wait and names what is not acknowledged', async () => {
    const stop = new AbortController()
    const stream = new Stream(async (records, self) =>
      self.taken.length < 1 ? accept(records, self) : new Promise(() => {}),
    )
    const under = producer(stream, { signal: stop.signal, batchEvents: 2 })
    for (const id of ['a', 'b', 'c', 'd', 'e']) await under.send(event(id))
    const closing = under.close()
    await sleep(20)

    stop.abort()

    await expect(closing).rejects.toMatchObject({
      code: 'producer.aborted',
      context: {
        count: 3,
        events: ['c', 'd', 'e'].map((id) => ({ source: '/test', id })),
      },
    })
    expect(idsOf(stream)).toEqual(['a', 'b'])
  })

  it('holds for what comes later, also if it was told before it began', async () => {
    const stream = new Stream(async (records, self) => accept(records, self))
    const under = producer(stream, { signal: AbortSignal.abort() })

    await expect(under.send(event('a'))).rejects.toMatchObject({ code: 'producer.aborted' })
    expect(stream.taken).toEqual([])
  })
})

describe('a flush', () => {
  it('waits for what was sent before it, not for what comes after', async () => {
    let open = (): void => {}
    const gate = new Promise<void>((resolve) => {
      open = resolve
    })
    const stream = new Stream(async (records, self) => {
      if (idsIn(records).includes('late')) await gate
      return accept(records, self)
    })
    const under = producer(stream, {})
    await under.send(event('early', 'a'))
    const flushing = under.flush()
    await under.send(event('late', 'b'))

    await flushing
    expect(idsOf(stream)).toEqual(['early'])
    open()
    await under.close()
    expect(idsOf(stream)).toEqual(['early', 'late'])
  })
})

function idsIn(records: readonly OutgoingRecord[]): string[] {
  const stream = new Stream(async () => [])
  stream.taken.push(...records)
  return idsOf(stream)
}

describe('events that were not accepted', () => {
  it('are counted all and named up to a hundred', async () => {
    const stream = new Stream(async (records) =>
      records.map(() => ({ accepted: false, retryable: false, reason: 'AccessDenied' })),
    )
    const under = producer(stream, {})
    for (let i = 0; i < 1_000; i++) await under.send(event(`e${i}`))

    const error = await under.close().catch((one: { context: object }) => one)

    expect(error).toMatchObject({ code: 'producer.notAccepted', context: { count: 1_000 } })
    expect((error as { context: { events: unknown[] } }).context.events).toHaveLength(100)
  })

  it('are not those that fit into a record once their batch is halved', async () => {
    const stream = new Stream(async (records, self) => accept(records, self))
    const random = seededRandom(5)
    const under = producer(stream, { batchBytes: 8 * 1024 * 1024 })
    for (let i = 0; i < 6; i++) {
      const bytes = Array.from({ length: 50_000 }, () => random().toString(36).slice(2, 10))
      const text = JSON.stringify({ id: `e${i}`, bytes: bytes.join('') })
      await under.send({ source: '/test', id: `e${i}`, text, partitionKey: 'k' })
    }
    await under.close()

    expect(stream.taken.length).toBeGreaterThan(1)
    for (const one of stream.taken) expect(one.data.byteLength).toBeLessThan(LIMITS.recordBytes)
    expect(idsOf(stream)).toEqual(['e0', 'e1', 'e2', 'e3', 'e4', 'e5'])
  })
})

describe('an event that no archive could take', () => {
  it.each([
    [
      'more than 1 MiB',
      JSON.stringify('x'.repeat(1 << 20)),
      /has 1048578 bytes, more than 1048576/,
    ],
    ['a lone surrogate', '"\ud800"', /has a lone surrogate/],
  ])('with %s is refused at once, by name, and harms no other', async (_, text, message) => {
    const stream = new Stream(async (records, self) => accept(records, self))
    const under = producer(stream, {})
    await under.send(event('a'))

    await expect(
      under.send({ source: '/test', id: 'bad', text, partitionKey: 'k' }),
    ).rejects.toMatchObject({
      code: 'producer.event',
      message: expect.stringMatching(message),
      context: { source: '/test', id: 'bad' },
    })
    await under.close()

    expect(idsOf(stream)).toEqual(['a'])
    expect(under.counts).toMatchObject({ sent: 1, accepted: 1 })
  })
})

describe('a hot key that the contract lets be spread', () => {
  it('goes to so many slots, evenly, and each event always to the same', () => {
    for (const spread of [2, 3, 7, 64]) {
      const counts = new Map<number, number>()
      for (let i = 0; i < 6_400; i++) {
        const one = { source: '/s', id: `id-${i}`, partitionKey: 'hot' }
        const slot = eventSlot(one, spread)
        expect(eventSlot({ ...one }, spread)).toBe(slot)
        counts.set(slot, (counts.get(slot) ?? 0) + 1)
      }

      expect(counts.size).toBe(spread)
      expect(Math.min(...counts.values())).toBeGreaterThan((6_400 / spread) * 0.5)
    }
  })

  it('stays in its own slot where it may not be spread', () => {
    for (let i = 0; i < 100; i++) {
      const one = { source: '/s', id: `id-${i}`, partitionKey: 'hot' }
      expect(eventSlot(one, 1)).toBe(partitionSlot('hot'))
    }
  })

  it('meets its first try when another process sends it again', async () => {
    const streams = [0, 1].map(() => new Stream(async (records, self) => accept(records, self)))
    for (const stream of streams) {
      const under = producer(stream, { spread: 8 })
      for (let i = 0; i < 50; i++) await under.send(event(`e${i}`, 'hot'))
      await under.close()
    }
    const slotsOf = (stream: Stream) =>
      new Map(
        stream.taken.flatMap((one) => idsIn([one]).map((id) => [id, one.partitionKey] as const)),
      )

    expect(new Set(slotsOf(streams[0]!).values()).size).toBeGreaterThan(4)
    expect(slotsOf(streams[1]!)).toEqual(slotsOf(streams[0]!))
  })

  it.each([0, 1.5, PARTITION_SLOTS + 1])('but not over %d slots', (spread) => {
    const stream = new Stream(async (records, self) => accept(records, self))
    expect(() => producer(stream, { spread })).toThrow(
      `spread is ${spread}: write a whole number from 1 to 64`,
    )
  })

  it('has slots that Kinesis sees as partition keys', () => {
    expect(slotName(eventSlot({ source: 's', id: 'i', partitionKey: 'k' }, 64))).toMatch(
      /^slot-\d\d$/,
    )
  })
})

describe('many slots with little in each', () => {
  it('share their calls: what has lingered goes together', async () => {
    let calls = 0
    const stream = new Stream(async (records, self) => {
      calls += 1
      return accept(records, self)
    })
    const under = producer(stream, { sleep: (ms) => sleep(ms), lingerMs: 20 })
    for (let i = 0; i < 200; i++) await under.send(event(`e${i}`, `key-${i}`))
    await sleep(60)

    expect(idsOf(stream)).toHaveLength(200)
    expect(calls).toBeLessThan(4)
    await under.close()
  })
})
