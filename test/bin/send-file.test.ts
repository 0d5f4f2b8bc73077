import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadProducts } from '#lib/adapters/files/product-files.ts'
import type { Product } from '#lib/domain/contract/product.ts'
import { changeEvent } from '#lib/domain/ingest/change-event.ts'
import { partitionKeyText } from '#lib/domain/ingest/producer-event.ts'
import type { OutgoingRecord, RecordOutcome, RecordSink } from '#lib/domain/ingest/producer-sink.ts'
import { eventSlot, slotName } from '#lib/domain/ingest/producer-slot.ts'
import { unpackRecord } from '#lib/domain/ingest/wire.ts'
import { sequenceNumber } from '#lib/domain/kernel/sequence-number.ts'
import { CHANGES, CUSTOMERS, customersContract } from '#test/support/customer-changes.ts'
import { type SendOptions, type SendOutcome, sendFile } from '../../bin/commands/send.ts'

const ROOT = join(import.meta.dirname, '../..')
const JANUARY = join(ROOT, 'products/trips/data/yellow_tripdata_2019-01_sample.csv')
const folder = mkdtempSync(join(tmpdir(), 'weir-send-'))
let trips: Product
let header: string
let rows: string[]

beforeAll(async () => {
  trips = (await loadProducts(ROOT)).find((product) => product.name === 'trips')!
  const lines = readFileSync(JANUARY, 'utf8').trimEnd().split(/\r?\n/)
  header = lines[0]!
  rows = lines.slice(1)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

interface SentEvent {
  readonly id: string
  readonly source: string
  readonly type: string
  readonly data: Record<string, unknown>
}

class MemorySink implements RecordSink {
  readonly limits = { records: 500, bytes: 5 << 20, recordBytes: 1 << 20 }
  readonly records: OutgoingRecord[] = []
  outcome: RecordOutcome = { accepted: true }

  async put(records: readonly OutgoingRecord[]): Promise<readonly RecordOutcome[]> {
    if (this.outcome.accepted) this.records.push(...records)
    return records.map(() => this.outcome)
  }

  /** Events by record, in stream order. */
  batches(): SentEvent[][] {
    return this.records.map(({ data }) =>
      unpackRecord({ sequence: sequenceNumber('1'), arrivalMicros: 0, data }).map((event) => {
        if (event.kind !== 'event') throw new Error(event.reason)
        return JSON.parse(event.text)
      }),
    )
  }

  events(): SentEvent[] {
    return this.batches().flat()
  }
}

async function sendText(
  name: string,
  content: string | Buffer,
  options: Partial<SendOptions> = {},
): Promise<SendOutcome & { sink: MemorySink }> {
  const file = join(folder, name)
  writeFileSync(file, content)
  return sendPath(file, options)
}

async function sendPath(
  file: string,
  options: Partial<SendOptions> = {},
  sink = new MemorySink(),
  product = trips,
) {
  const pause = async () => {}
  return { ...(await sendFile({ product, file, sink, options, pause })), sink }
}

const csv = (...lines: string[]) => [header, ...lines, ''].join('\n')
const DATA = '{"vendor_id":1,"pickup_location_id":236,"dropoff_datetime":"2019-01-03 09:09:10"}'
const EVENT = `{"specversion":"1.0","id":"e1","source":"/s","type":"nyc.tlc.trip.completed","data":${DATA}}`

describe('a key', () => {
  it.each([1, 4])(
    'goes to %d slots where the contract says so, and to the same again',
    async (spread) => {
      const product = { ...trips, contract: { ...trips.contract, spread } }
      const file = join(folder, 'hot.ndjson')
      const lines = Array.from({ length: 100 }, (_, i) => EVENT.replace('"e1"', `"e${i}"`))
      writeFileSync(file, lines.join('\n'))
      const slots = async () => {
        const { sink } = await sendPath(file, {}, new MemorySink(), product)
        return sink.batches().flatMap((events, i) => {
          return events.map((event) => `${event.id} ${sink.records[i]!.partitionKey}`)
        })
      }

      const [first, second] = [await slots(), await slots()]

      expect(new Set(first.map((one) => one.split(' ')[1])).size).toBe(spread)
      expect(first.toSorted()).toEqual(second.toSorted())
    },
  )
})

describe('a file of changes', () => {
  const customers = (): Product => ({
    ...trips,
    name: 'customers',
    contract: customersContract(),
  })

  it('is sent as a program would send it: each change under its name, to its slot, and no tombstones', async () => {
    const { result, problems, sink } = await sendPath(
      join(CUSTOMERS, 'changes.ndjson'),
      {},
      new MemorySink(),
      customers(),
    )

    const told = CHANGES.filter((message) => message !== null)
    const asProgram = told.map((message) => {
      const { partitionKey, ...event } = changeEvent(message, customersContract().changes!)!
      const slot = eventSlot({ ...event, partitionKey: partitionKeyText(partitionKey) }, 1)
      return `${event.source} ${event.id} ${slotName(slot)}`
    })
    expect(problems).toEqual([])
    expect(result).toMatchObject({ sent: told.length, unique: told.length, failed: 0 })
    const sent = sink.batches().flatMap((events, i) => {
      return events.map(({ source, id }) => `${source} ${id} ${sink.records[i]!.partitionKey}`)
    })
    expect(sent.toSorted()).toEqual(asProgram.toSorted())
  })

  it('names what is no change by its bytes, for the lake to say what is wrong with it', async () => {
    const file = join(CUSTOMERS, 'refused-changes.ndjson')
    const { result, sink } = await sendPath(file, {}, new MemorySink(), customers())

    expect(result).toMatchObject({ sent: 6, unique: 6, failed: 0 })
    expect(sink.events().filter((event) => event.source === '/weir/send/customers')).toHaveLength(3)
  })
})

describe('a CSV', () => {
  it('is sent whole, in order of event time for each key, with the same ids every time', async () => {
    const first = await sendPath(JANUARY)
    const second = await sendPath(JANUARY)

    expect(first.result).toEqual({
      sent: 7_500,
      unique: 7_500,
      accepted: 7_500,
      retried: 0,
      failed: 0,
    })
    expect(first.problems).toEqual([])
    const ids = (sink: MemorySink) =>
      sink
        .events()
        .map((event) => event.id)
        .sort()
    expect(ids(first.sink)).toEqual(ids(second.sink))
    const newest = new Map<unknown, string>()
    for (const { data } of first.sink.events()) {
      const time = String(data.dropoff_datetime)
      expect(time >= (newest.get(data.pickup_location_id) ?? '')).toBe(true)
      newest.set(data.pickup_location_id, time)
    }
  })

  it('goes through the product’s own form', async () => {
    const { sink } = await sendText('one.csv', csv(rows[0]!))

    const [event] = sink.events()
    expect(event).toMatchObject({ source: '/nyc-tlc/yellow', type: 'nyc.tlc.trip.completed' })
    expect(event!.data).toMatchObject({ vendor_id: 1, pickup_datetime: '2019-01-03 08:49:57' })
  })

  it('may have a byte order mark, CR LF, blank lines and no newline at its end', async () => {
    const content = `\uFEFF${header}\r\n${rows[0]}\r\n\r\n${rows[1]}`

    const { result, problems } = await sendText('windows.csv', content)

    expect(problems).toEqual([])
    expect(result).toMatchObject({ sent: 2, failed: 0 })
  })

  it('counts equal rows as one event', async () => {
    const { result } = await sendText('twice.csv', csv(rows[0]!, rows[0]!))

    expect(result).toMatchObject({ sent: 2, unique: 1, accepted: 2 })
  })

  it('is refused as a whole if its header does not fit', async () => {
    const broken = header.replace('vendor_id', 'vendor').replace(',extra', '')

    await expect(sendText('header.csv', `${broken}\n${rows[0]}\n`)).rejects.toThrow(
      /header\.csv: the CSV header does not fit: unknown columns vendor; missing columns vendor_id, extra$/,
    )
  })

  it('loses only the broken lines, and names them', async () => {
    const cells = rows[0]!.split(',')
    const { result, problems, sink } = await sendText(
      'broken.csv',
      csv(
        rows[0]!,
        cells.slice(0, -2).join(','),
        `${rows[1]},7`,
        `"${rows[2]}`,
        rows[3]!,
        `a"b${rows[4]}`,
        rows[5]!,
      ),
    )

    expect(problems).toEqual([
      'line 3: has 16 cells, the header has 18: not sent',
      'line 4: has 19 cells, the header has 18: not sent',
      'line 5: its quotes are broken: not sent',
      'line 7: a quote is not closed: not sent',
    ])
    expect(result).toEqual({ sent: 3, unique: 3, accepted: 3, retried: 0, failed: 4 })
    expect(sink.events()).toHaveLength(3)
  })

  it('may have quoted cells, with commas, quotes and line breaks in them', async () => {
    const cells = rows[0]!.split(',')
    cells[6] = '"N, or ""yes""\nno"'

    const { problems, sink } = await sendText('quoted.csv', csv(cells.join(','), rows[1]!))

    expect(problems).toEqual([])
    expect(sink.events().map((event) => event.data.store_and_fwd_flag)).toContain('N, or "yes"\nno')
  })

  it('loses only the line that is no UTF-8', async () => {
    const content = Buffer.concat([
      Buffer.from(`${header}\n`),
      Buffer.from([0xff, 0xfe, 0x0a]),
      Buffer.from(`${rows[0]}\n`),
    ])

    const { result, problems } = await sendText('latin.csv', content)

    expect(problems).toEqual(['line 2: is not valid UTF-8: not sent'])
    expect(result).toMatchObject({ sent: 1, failed: 1 })
  })

  it('sends rows that the contract will reject: quarantine is where they belong', async () => {
    const cells = rows[0]!.split(',')
    cells[2] = 'yesterday'

    const { result } = await sendText('dirty.csv', csv(cells.join(',')))

    expect(result).toMatchObject({ sent: 1, failed: 0 })
  })
})

describe('NDJSON', () => {
  it('may be CloudEvents, which travel as they are', async () => {
    const { sink } = await sendText('events.ndjson', `  ${EVENT}  \n`)

    expect(sink.events()).toEqual([JSON.parse(EVENT)])
  })

  it('may be event data, whose id is a hash of the line', async () => {
    const first = await sendText('data.ndjson', `${DATA}\n`)
    const second = await sendText('data.jsonl', `\n${DATA}\r\n`)

    const [event] = first.sink.events()
    expect(event).toMatchObject({
      source: '/weir/send/trips',
      type: trips.contract.eventType,
      data: JSON.parse(DATA),
    })
    expect(event!.id).toMatch(/^[0-9a-f]{32}$/)
    expect(second.sink.events()).toEqual([event])
  })

  it('is sent in file order for each key', async () => {
    const lines = [3, 1, 2].map((day) => DATA.replace('01-03', `01-0${day}`))

    const { sink } = await sendText('order.ndjson', lines.join('\n'))

    expect(sink.events().map((event) => String(event.data.dropoff_datetime).slice(9, 10))).toEqual([
      '3',
      '1',
      '2',
    ])
  })

  it('loses only the lines that are no event, and names the first five', async () => {
    const bad = ['{"a":', '[1]', '7', 'null', '"text"', '{"b":}', 'oops']
    const { result, problems, sink } = await sendText(
      'bad.ndjson',
      [DATA, ...bad, EVENT].join('\n'),
    )

    expect(problems).toHaveLength(6)
    expect(problems[0]).toMatch(/^line 2: is not valid JSON \(.+\): not sent$/)
    expect(problems[1]).toBe('line 3: is JSON but no object: not sent')
    expect(problems[5]).toBe('and 2 more')
    expect(result).toEqual({ sent: 2, unique: 2, accepted: 2, retried: 0, failed: 7 })
    expect(sink.events()).toHaveLength(2)
  })

  it('loses only an event that is too large', async () => {
    const size = 2 * 1024 * 1024
    const large = `{"x":"${'a'.repeat(size - 8)}"}`

    const { result, problems } = await sendText('large.ndjson', [DATA, large, EVENT].join('\n'))

    expect(problems).toEqual(['line 2: event is 2,097,152 bytes, more than 1,048,576: not sent'])
    expect(result).toMatchObject({ sent: 2, failed: 1 })
  })

  it('measures an event with its envelope, and takes one of exactly 1 MiB', async () => {
    const pad = (bytes: number) =>
      EVENT.replace('"e1"', `"${'i'.repeat(bytes - EVENT.length + 2)}"`)

    const { result, problems } = await sendText(
      'edge.ndjson',
      [pad(1 << 20), pad((1 << 20) + 1)].join('\n'),
    )

    expect(problems).toEqual(['line 2: event is 1,048,577 bytes, more than 1,048,576: not sent'])
    expect(result).toMatchObject({ sent: 1, accepted: 1, failed: 1 })
  })

  it('sends a CloudEvent without an id: quarantine says what is wrong with it', async () => {
    const { result } = await sendText('noid.ndjson', EVENT.replace('"id":"e1",', ''))

    expect(result).toMatchObject({ sent: 1, unique: 1, failed: 0 })
  })
})

describe('resends and disorder', () => {
  it('resends the share asked for, in later records than the first try', async () => {
    const { result, sink } = await sendPath(JANUARY, { duplicate: 0.02, seed: 7 })

    expect(result.unique).toBe(7_500)
    expect(result.sent - result.unique).toBeGreaterThan(110)
    expect(result.sent - result.unique).toBeLessThan(190)
    const recordOf = new Map<string, number>()
    for (const [record, events] of sink.batches().entries()) {
      for (const { id } of events) {
        expect(recordOf.get(id)).not.toBe(record)
        recordOf.set(id, record)
      }
    }
  })

  it('repeats both from the seed, each without the other', async () => {
    const ids = async (options: Partial<SendOptions>, sorted = false) => {
      const found = (await sendPath(JANUARY, options)).sink.events().map((event) => event.id)
      return (sorted ? found.sort() : found).join(' ')
    }
    const both = { duplicate: 0.02, shuffle: 3_600_000, seed: 7 }

    const first = await ids(both)

    expect((await ids(both)) === first).toBe(true)
    expect((await ids({ ...both, seed: 8 })) === first).toBe(false)
    expect((await ids({ ...both, shuffle: 0 }, true)) === first.split(' ').sort().join(' ')).toBe(
      true,
    )
  })

  it('displaces events, but none further than asked for', async () => {
    const { sink } = await sendPath(JANUARY, { shuffle: 3_600_000 })

    const newest = new Map<unknown, number>()
    let displaced = 0
    for (const { data } of sink.events()) {
      const time = Date.parse(`${String(data.dropoff_datetime).replace(' ', 'T')}Z`)
      const before = newest.get(data.pickup_location_id) ?? 0
      if (time < before) displaced += 1
      expect(before - time).toBeLessThanOrEqual(3_600_000)
      newest.set(data.pickup_location_id, Math.max(before, time))
    }
    expect(displaced).toBeGreaterThan(0)
  })
})

describe('a file that cannot be sent at all', () => {
  it.each([
    ['nowhere.csv', /nowhere\.csv: there is no such file$/],
    ['folder.csv', /folder\.csv: is a directory, not a file$/],
    ['empty.csv', /empty\.csv: is empty: nothing to send$/],
    ['blank.ndjson', /blank\.ndjson: holds no events: nothing to send$/],
    ['header-only.csv', /header-only\.csv: has a header and no rows: nothing to send$/],
    ['trips.txt', /trips\.txt: is neither \.csv nor \.ndjson/],
  ])('%s is told in one line', async (name, message) => {
    mkdirSync(join(folder, 'folder.csv'), { recursive: true })
    writeFileSync(join(folder, 'empty.csv'), '')
    writeFileSync(join(folder, 'blank.ndjson'), '\n \n')
    writeFileSync(join(folder, 'header-only.csv'), `${header}\n`)
    writeFileSync(join(folder, 'trips.txt'), csv(rows[0]!))

    await expect(sendPath(join(folder, name))).rejects.toThrow(message)
  })

  it('is a CSV of a product that has no such form', async () => {
    const { csv: _, ...product } = trips
    const sink = new MemorySink()

    await expect(
      sendFile({ product, file: JANUARY, sink, options: {}, pause: async () => {} }),
    ).rejects.toThrow(/product "trips" has no CSV form/)
  })
})

describe('a stream that refuses', () => {
  it('is named with an event, and everything counts as failed', async () => {
    const sink = new MemorySink()
    sink.outcome = { accepted: false, retryable: false, reason: 'AccessDeniedException: no' }
    const file = join(folder, 'refused.ndjson')
    writeFileSync(file, [DATA, EVENT].join('\n'))

    const { result, problems } = await sendPath(file, {}, sink)

    expect(result).toEqual({ sent: 2, unique: 2, accepted: 0, retried: 0, failed: 2 })
    expect(problems).toEqual([
      expect.stringMatching(
        /^event .+ and 1 more not accepted by the stream: AccessDeniedException: no$/,
      ),
    ])
  })
})

describe('a stream that goes away', () => {
  const silent = Object.assign(new MemorySink(), { put: () => new Promise<never>(() => {}) })
  const lines = (count: number) => csv(...rows.slice(0, count))
  const write = (name: string, count: number) => {
    const file = join(folder, name)
    writeFileSync(file, lines(count))
    return file
  }
  const sending = (sink: RecordSink, more: object = {}) =>
    sendFile({
      product: trips,
      file: write('away.csv', 3),
      sink,
      options: { timeout: 300 },
      pause: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
      ...more,
    })

  it('is given up after a while without progress, in one line that says how to go on', async () => {
    const started = performance.now()

    await expect(sending(silent)).rejects.toMatchObject({
      code: 'send.stalled',
      message:
        'the stream has accepted nothing for 0.3 s: 0 of the 3 events sent so far were accepted; to go on, send the same file again: what is in the table already is not taken twice',
      document: { sent: 3, accepted: 0, stalled: true },
    })
    expect(performance.now() - started).toBeLessThan(5_000)
  })

  it('is given up with its own reason if it refuses, however often it is asked', async () => {
    const sink = new MemorySink()
    sink.put = () => Promise.reject(new Error('connect ECONNREFUSED 127.0.0.1:9'))

    await expect(sending(sink)).rejects.toMatchObject({
      code: 'send.stalled',
      message: expect.stringContaining(
        'nothing for 0.3 s (connect ECONNREFUSED 127.0.0.1:9): 0 of',
      ),
    })
  })

  it('says how many were accepted before', async () => {
    const sink = new MemorySink()
    const put = sink.put.bind(sink)
    let calls = 0
    sink.put = (records) => (calls++ === 0 ? put(records) : new Promise<never>(() => {}))
    const file = write('partly.csv', 2_000)
    const options = { timeout: 400, rate: 1_500 }

    const failed = sending(sink, { file, options })

    await expect(failed).rejects.toMatchObject({ code: 'send.stalled' })
    const { document } = (await failed.catch((error) => error)) as {
      document: { accepted: number; sent: number }
    }
    expect(document.accepted).toBe(sink.events().length)
    expect(document.accepted).toBeGreaterThan(0)
    expect(document.sent).toBeGreaterThan(document.accepted)
  })

  it('is not given up while it moves on, however slowly', async () => {
    const sink = new MemorySink()
    const put = sink.put.bind(sink)
    sink.put = async (records) => {
      await new Promise((resolve) => setTimeout(resolve, 200))
      return put(records)
    }

    const { result } = await sending(sink, {
      file: write('slow.csv', 60),
      options: { timeout: 500, rate: 60 },
    })

    expect(result).toMatchObject({ sent: 60, accepted: 60 })
  })

  it('is left at once when the person asks to stop', async () => {
    const stop = new AbortController()
    setTimeout(() => stop.abort(), 50)

    await expect(
      sending(silent, { signal: stop.signal, options: { timeout: 60_000 } }),
    ).rejects.toMatchObject({
      code: 'send.interrupted',
      message: expect.stringMatching(/^interrupted: 0 of the 3 events/),
    })
  })
})
