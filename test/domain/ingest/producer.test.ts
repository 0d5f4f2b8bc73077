import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { Producer, type ProducerEvent } from '#lib/domain/ingest/producer.ts'
import type { OutgoingRecord, RecordOutcome, RecordSink } from '#lib/domain/ingest/producer-sink.ts'
import { partitionSlot, slotName } from '#lib/domain/ingest/producer-slot.ts'
import { unpackRecord } from '#lib/domain/ingest/wire.ts'
import { sequenceNumber } from '#lib/domain/kernel/sequence-number.ts'
import { seededRandom } from '#lib/domain/ops/seeded-random.ts'

const REFUSED: RecordOutcome = { accepted: false, retryable: true, reason: 'throttled' }

/** A stream in memory: remembers every call, and what it accepted in order. */
class MemorySink implements RecordSink {
  limits = { records: 500, bytes: 5 * 1024 * 1024, recordBytes: 1024 * 1024 }
  readonly calls: OutgoingRecord[][] = []
  readonly accepted: OutgoingRecord[] = []
  readonly #answer: (record: OutgoingRecord, call: number) => RecordOutcome

  constructor(
    answer: (record: OutgoingRecord, call: number) => RecordOutcome = () => ({ accepted: true }),
  ) {
    this.#answer = answer
  }

  async put(records: readonly OutgoingRecord[]): Promise<readonly RecordOutcome[]> {
    this.calls.push([...records])
    await sleep(0)
    const outcomes = records.map((record) => this.#answer(record, this.calls.length))
    this.accepted.push(...records.filter((_, i) => outcomes[i]!.accepted))
    return outcomes
  }

  /** Texts of accepted events, in stream order. */
  texts(): string[] {
    return this.accepted.flatMap((record) => textsOf(record))
  }
}

function textsOf(record: OutgoingRecord): string[] {
  const events = unpackRecord({
    sequence: sequenceNumber('1'),
    arrivalMicros: 0,
    data: record.data,
  })
  return events.map((event) => (event.kind === 'event' ? event.text : event.reason))
}

function event(key: string, number: number, padding = 0): ProducerEvent {
  const id = `${key}-${number}`
  const text = JSON.stringify({ id, padding: 'x'.repeat(padding) })
  return { source: '/test', id, text, partitionKey: key }
}

function producer(
  sink: RecordSink,
  options: Partial<ConstructorParameters<typeof Producer>[0]> = {},
) {
  const random = seededRandom(1)
  return new Producer({ sink, sleep: () => sleep(0), random, lingerMs: 1, ...options })
}

describe('producer', () => {
  it('packs events of one slot into a batch whose texts are exactly those it was given', async () => {
    const sink = new MemorySink()
    const texts = ['{"a":1.00}', '{ "b" : 2 }', '{"c":"\\u00e9"}']

    const under = producer(sink)
    for (const text of texts) await under.send({ source: 's', id: text, text, partitionKey: 'k' })
    await under.close()

    expect(sink.calls).toHaveLength(1)
    expect(sink.accepted.map((one) => one.partitionKey)).toEqual([slotName(partitionSlot('k'))])
    expect(sink.texts()).toEqual(texts)
    expect(under.counts).toEqual({ sent: 3, accepted: 3, retried: 0, failed: 0 })
  })

  it('sends again only the records that were refused', async () => {
    const [good, bad] = ['good', 'bad'].map((key) => slotName(partitionSlot(key)))
    const sink = new MemorySink((record, call) =>
      record.partitionKey === bad && call < 3 ? REFUSED : { accepted: true },
    )

    const under = producer(sink)
    await under.send(event('good', 1))
    await under.send(event('bad', 1))
    await under.close()

    expect(sink.calls.map((call) => call.map((one) => one.partitionKey).sort())).toEqual([
      [bad, good].sort(),
      [bad],
      [bad],
    ])
    expect(under.counts).toEqual({ sent: 2, accepted: 2, retried: 2, failed: 0 })
  })

  it('never has two records of one slot on their way', async () => {
    const sink = new MemorySink()
    const under = producer(sink, { batchEvents: 1 })

    for (let i = 0; i < 20; i++) await under.send(event('k', i))
    await under.close()

    for (const call of sink.calls) expect(call).toHaveLength(1)
    expect(sink.texts()).toEqual(Array.from({ length: 20 }, (_, i) => event('k', i).text))
  })

  it('keeps the order per key and loses nothing, whatever is refused and whenever', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.integer({ min: 0, max: 5 }), fc.nat(3_000)), { maxLength: 60 }),
        fc.integer(),
        async (sends, seed) => {
          const chance = seededRandom(seed)
          const sink = new MemorySink(() => (chance() < 0.4 ? REFUSED : { accepted: true }))
          const options = { batchBytes: 4_096, bufferBytes: 16_384, maxAttempts: 1_000 }
          const under = producer(sink, options)
          const wanted = new Map<string, string[]>()

          for (const [i, [key, padding]] of sends.entries()) {
            const one = event(`key-${key}`, i, padding)
            wanted.set(one.partitionKey, [...(wanted.get(one.partitionKey) ?? []), one.text])
            await under.send(one)
          }
          await under.close()

          for (const [key, texts] of wanted) {
            expect(sink.texts().filter((text) => text.startsWith(`{"id":"${key}-`))).toEqual(texts)
          }
          expect(sink.texts()).toHaveLength(sends.length)
        },
      ),
      { numRuns: 40 },
    )
  })

  it('repeats a call whose outcome nobody knows', async () => {
    const sink = new MemorySink()
    const put = vi.spyOn(sink, 'put').mockRejectedValueOnce(new Error('socket hang up'))

    const under = producer(sink)
    await under.send(event('k', 1))
    await under.close()

    expect(put).toHaveBeenCalledTimes(2)
    expect(under.counts).toEqual({ sent: 1, accepted: 1, retried: 1, failed: 0 })
  })

  it('makes the sender wait while the stream is behind', async () => {
    let open = (): void => {}
    const gate = new Promise<void>((resolve) => {
      open = resolve
    })
    const sink = new MemorySink()
    const put = sink.put.bind(sink)
    sink.put = async (records) => {
      await gate
      return put(records)
    }
    const under = producer(sink, { bufferBytes: 10_000, batchBytes: 1_000 })
    let sent = 0
    const sending = (async () => {
      for (; sent < 100; sent++) await under.send(event(`key-${sent}`, sent, 500))
    })()

    await sleep(30)
    const sentWhileBehind = sent
    open()
    await sending
    await under.close()

    expect(sentWhileBehind).toBeLessThan(25)
    expect(sink.texts()).toHaveLength(100)
  })

  it('sends an event that found no company once it has lingered', async () => {
    vi.useFakeTimers()
    try {
      const sink = new MemorySink()
      const wait = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))
      const under = producer(sink, { sleep: wait, lingerMs: 200 })
      await under.send(event('k', 1))

      await vi.advanceTimersByTimeAsync(199)
      const before = sink.calls.length
      await vi.advanceTimersByTimeAsync(1)

      expect([before, sink.calls.length]).toEqual([0, 1])
    } finally {
      vi.useRealTimers()
    }
  })

  it('pauses longer with every attempt, with jitter, and gives up in the end', async () => {
    const pauses: number[] = []
    const sink = new MemorySink(() => REFUSED)
    const under = producer(sink, {
      sleep: async (ms) => {
        if (ms !== 1) pauses.push(ms)
      },
      random: () => 0.5,
      maxAttempts: 6,
    })
    await under.send(event('k', 1))

    await expect(under.flush()).rejects.toThrow(
      'event k-1 of /test not accepted by the stream: throttled',
    )
    expect(pauses).toEqual([50, 100, 200, 400, 800])
  })

  it('names the events that were not accepted, and why, and goes on with the others', async () => {
    const lost = slotName(partitionSlot('lost'))
    const sink = new MemorySink((record) =>
      record.partitionKey === lost
        ? { accepted: false, retryable: false, reason: 'AccessDenied' }
        : { accepted: true },
    )
    const under = producer(sink)
    for (const key of ['fine', 'lost', 'lost']) await under.send(event(key, 1))

    await expect(under.flush()).rejects.toMatchObject({
      code: 'producer.notAccepted',
      message: 'event lost-1 of /test and 1 more not accepted by the stream: AccessDenied',
      context: {
        count: 2,
        events: [{ source: '/test', id: 'lost-1', reason: 'AccessDenied' }, {}],
      },
    })
    await under.send(event('fine', 2))
    await under.close()

    expect(sink.texts()).toEqual([event('fine', 1).text, event('fine', 2).text])
    expect(under.counts).toEqual({ sent: 4, accepted: 2, retried: 0, failed: 2 })
  })

  it('names an event that no record can hold', async () => {
    const sink = new MemorySink()
    sink.limits = { ...sink.limits, recordBytes: 100 }
    const random = seededRandom(3)
    const noise = Array.from({ length: 2_000 }, () => random().toString(36).slice(2)).join('')
    const under = producer(sink, { batchBytes: 64 })
    await under.send({ source: 's', id: 'big', text: JSON.stringify(noise), partitionKey: 'k' })
    await under.send(event('k', 2))

    await expect(under.close()).rejects.toThrow(/event big of s not accepted .* a record has 100/)
    expect(sink.texts()).toEqual([event('k', 2).text])
  })

  it('keeps every call within the limits of the stream', async () => {
    const sink = new MemorySink()
    sink.limits = { records: 3, bytes: 400, recordBytes: 300 }
    const under = producer(sink)
    for (let i = 0; i < 200; i++) await under.send(event(`key-${i}`, i, i))
    await under.close()

    for (const call of sink.calls) {
      const bytes = call.reduce(
        (sum, one) => sum + one.data.byteLength + one.partitionKey.length,
        0,
      )
      expect(call.length).toBeLessThanOrEqual(3)
      expect(bytes).toBeLessThanOrEqual(400)
    }
    expect(sink.texts()).toHaveLength(200)
  })

  it('takes nothing after it is closed', async () => {
    const under = producer(new MemorySink())
    await under.close()

    await expect(under.send(event('k', 1))).rejects.toMatchObject({ code: 'producer.closed' })
  })
})

describe('partition slots', () => {
  it('are the same on every machine and for ever', () => {
    expect(['', '1', '236', '237', 'Zürich'].map(partitionSlot)).toMatchInlineSnapshot(`
      [
        57,
        60,
        27,
        54,
        18,
      ]
    `)
  })

  it('spread small keys evenly', () => {
    const counts = Array<number>(64).fill(0)
    for (let key = 0; key < 64_000; key++) counts[partitionSlot(String(key))]! += 1

    expect(Math.min(...counts)).toBeGreaterThan(800)
    expect(Math.max(...counts)).toBeLessThan(1_200)
  })
})
