import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Producer, type ProducerEvent } from '#lib/domain/ingest/producer.ts'
import type { RecordSink } from '#lib/domain/ingest/producer-sink.ts'
import { seededRandom } from '#lib/domain/ops/seeded-random.ts'
import { MemoryCell, tripsContract } from '#test/support/memory-cell.ts'
import { idsIn, MemoryStream, STREAM_LIMITS, THROTTLED } from '#test/support/memory-stream.ts'
import { record, tripText } from '#test/support/trip-events.ts'

function producer(sink: RecordSink, options: Partial<ConstructorParameters<typeof Producer>[0]>) {
  const random = seededRandom(1)
  return new Producer({ sink, sleep: () => sleep(0), random, lingerMs: 1, ...options })
}

function event(id: string, partitionKey = 'k', padding = 0): ProducerEvent {
  const text = JSON.stringify({ id, padding: 'x'.repeat(padding) })
  return { source: '/test', id, text, partitionKey }
}

describe('a stream that is slower than its producer', () => {
  it('bounds the memory of ten times its load, and loses nothing', async () => {
    // A call takes as long as the producer needs to hand in ten times as much.
    let longest = 0
    const stream = new MemoryStream(async (records, self) => {
      await sleep(20)
      return self.take(records)
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
    expect(stream.ids()).toHaveLength(4_000)
  })

  it('makes it refuse events from a caller that does not wait, and says so', async () => {
    const stream = new MemoryStream(async () => new Promise(() => {}))
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
    const stream = new MemoryStream(async (records, self) => {
      const outcomes = self.take(records)
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

describe('a stream that refuses some records of a call and loses some answers', () => {
  it('gets the events of a key in their order: copies may follow, none comes too early', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer(), fc.integer({ min: 1, max: 4 }), async (seed, concurrency) => {
        const chance = seededRandom(seed)
        const stream = new MemoryStream(async (records, self) => {
          await sleep(0)
          const outcomes = records.map((one) => (chance() < 0.3 ? THROTTLED : self.take([one])[0]!))
          if (chance() < 0.3) throw new Error('socket hang up')
          return outcomes
        })
        const settings = { concurrency, batchEvents: 3, maxAttempts: 1_000, bufferBytes: 4_096 }
        const under = producer(stream, settings)

        for (let i = 0; i < 60; i++) await under.send(event(`${i % 3}-${i}`, String(i % 3)))
        await under.close()

        const firsts = [...new Set(stream.ids())]
        for (const key of ['0', '1', '2']) {
          const sent = Array.from({ length: 20 }, (_, i) => `${key}-${i * 3 + Number(key)}`)
          expect(firsts.filter((id) => id.startsWith(`${key}-`))).toEqual(sent)
        }
        expect(under.counts).toMatchObject({ sent: 60, accepted: 60, failed: 0 })
      }),
      { numRuns: 25 },
    )
  })
})

describe('a call that refuses some of its records', () => {
  it('is repeated with these alone, however often, in order', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer(), fc.constantFrom('key', 'none'), async (seed, order) => {
        const chance = seededRandom(seed)
        const stream = new MemoryStream(async (records, self) => {
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

        const ids = stream.ids()
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
    const stream = new MemoryStream(async (records, self) =>
      self.taken.length < 1 ? self.take(records) : new Promise(() => {}),
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
    expect(stream.ids()).toEqual(['a', 'b'])
  })

  it('holds for what comes later, also if it was told before it began', async () => {
    const stream = new MemoryStream()
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
    const stream = new MemoryStream(async (records, self) => {
      if (records.flatMap(idsIn).includes('late')) await gate
      return self.take(records)
    })
    const under = producer(stream, {})
    await under.send(event('early', 'a'))
    const flushing = under.flush()
    await under.send(event('late', 'b'))

    await flushing
    expect(stream.ids()).toEqual(['early'])
    open()
    await under.close()
    expect(stream.ids()).toEqual(['early', 'late'])
  })
})

describe('events that were not accepted', () => {
  it('are counted all and named up to a hundred', async () => {
    const stream = new MemoryStream(async (records) =>
      records.map(() => ({ accepted: false, retryable: false, reason: 'AccessDenied' })),
    )
    const under = producer(stream, {})
    for (let i = 0; i < 1_000; i++) await under.send(event(`e${i}`))

    const error = await under.close().catch((one: { context: object }) => one)

    expect(error).toMatchObject({ code: 'producer.notAccepted', context: { count: 1_000 } })
    expect((error as { context: { events: unknown[] } }).context.events).toHaveLength(100)
  })

  it('are not those that fit into a record once their batch is halved', async () => {
    const stream = new MemoryStream()
    const random = seededRandom(5)
    const under = producer(stream, { batchBytes: 8 * 1024 * 1024 })
    for (let i = 0; i < 6; i++) {
      const bytes = Array.from({ length: 50_000 }, () => random().toString(36).slice(2, 10))
      const text = JSON.stringify({ id: `e${i}`, bytes: bytes.join('') })
      await under.send({ source: '/test', id: `e${i}`, text, partitionKey: 'k' })
    }
    await under.close()

    expect(stream.taken.length).toBeGreaterThan(1)
    for (const one of stream.taken)
      expect(one.data.byteLength).toBeLessThan(STREAM_LIMITS.recordBytes)
    expect(stream.ids()).toEqual(['e0', 'e1', 'e2', 'e3', 'e4', 'e5'])
  })
})

describe('an event that fits into no record', () => {
  it('does not hold up a producer whose buffer it fills', async () => {
    const stream = new MemoryStream(undefined, { ...STREAM_LIMITS, recordBytes: 200 })
    const random = seededRandom(3)
    const noise = Array.from({ length: 2_000 }, () => random().toString(36).slice(2)).join('')
    const under = producer(stream, { bufferBytes: 1_000 })

    await under.send({ source: '/test', id: 'big', text: JSON.stringify(noise), partitionKey: 'k' })
    await under.send(event('small'))

    await expect(under.close()).rejects.toThrow(/event big of \/test not accepted/)
    expect(stream.ids()).toEqual(['small'])
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
    const stream = new MemoryStream()
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

    expect(stream.ids()).toEqual(['a'])
    expect(under.counts).toMatchObject({ sent: 1, accepted: 1 })
  })
})

describe('many slots with little in each', () => {
  it('share their calls: what has lingered goes together', async () => {
    let calls = 0
    const stream = new MemoryStream(async (records, self) => {
      calls += 1
      return self.take(records)
    })
    const under = producer(stream, { sleep: (ms) => sleep(ms), lingerMs: 20 })
    for (let i = 0; i < 200; i++) await under.send(event(`e${i}`, `key-${i}`))
    await sleep(60)

    expect(stream.ids()).toHaveLength(200)
    expect(calls).toBeLessThan(4)
    await under.close()
  })
})
