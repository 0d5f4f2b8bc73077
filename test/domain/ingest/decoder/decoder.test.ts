import { zstdCompressSync } from 'node:zlib'
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import type { Contract } from '#lib/domain/contract/contract.ts'
import { createDecoder } from '#lib/domain/ingest/decoder/create-decoder.ts'
import type { Decoder, EncodedRecord } from '#lib/domain/ingest/decoder/decoder.ts'
import { GeneratedDecoder } from '#lib/domain/ingest/decoder/generated-decoder.ts'
import { OracleDecoder } from '#lib/domain/ingest/decoder/oracle-decoder.ts'
import { type Random, seededRandom } from '#lib/domain/ops/seeded-random.ts'
import { tripsContract } from '#test/support/memory-cell.ts'
import { record, tripText } from '#test/support/trip-events.ts'
import { contractWith, field, oneOf } from '../../contract/contract-document.ts'
import {
  disagreement,
  disagreementOnEvents,
  disagreementOnLines,
  expectedOf,
} from './disagreement.ts'
import { hostileRecords, hugeRecords } from './hostile-record.ts'
import { randomContract } from './random-contract.ts'

const SHARD = 'shardId-000000000007'
const SEEDS = Array.from({ length: 12 }, (_, seed) => seed)

let trips: Contract
beforeAll(async () => {
  trips = await tripsContract()
})
afterEach(() => {
  vi.unstubAllGlobals()
})

const contractOf = (seed: number, random: Random) =>
  seed % 3 === 0 ? trips : randomContract(random)

/** What of some batches a decoder says differently. */
function disagreements(
  decoder: Decoder,
  contract: Contract,
  records: readonly EncodedRecord[],
  limits?: Parameters<typeof expectedOf>[2],
) {
  const found = expectedOf(contract, records, limits).flatMap((expected) => [
    disagreement(decoder, expected, limits),
    disagreementOnEvents(decoder, expected),
  ])
  return found.filter((one) => one !== undefined)
}

describe.each(['generated', 'oracle'] as const)('the %s decoder', (kind) => {
  const made = (contract: Contract) =>
    kind === 'generated' ? createDecoder(contract) : new OracleDecoder(contract)

  it.each(SEEDS)('says of hostile records what unpackRecord and decode say, seed %i', (seed) => {
    const random = seededRandom(seed, 21)
    const contract = contractOf(seed, random)
    const decoder = made(contract)

    for (let batch = 0; batch < 5; batch++) {
      expect(disagreements(decoder, contract, hostileRecords(contract, random, 40))).toEqual([])
    }
  })

  it('says it of bombs, of the largest event and of very many', () => {
    expect(disagreements(made(trips), trips, hugeRecords(trips, seededRandom(1)))).toEqual([])
  })

  it.each(SEEDS)('ends a batch where the limits end it, seed %i', (seed) => {
    const random = seededRandom(seed, 22)
    const contract = contractOf(seed, random)
    const limits = { maxWeight: 500 + 9_000 * random(), maxEvents: 3 + Math.floor(30 * random()) }
    const decoder = made(contract)
    const records = hostileRecords(contract, random, 60)

    expect(expectedOf(contract, records, limits).length).toBeGreaterThan(2)
    expect(disagreements(decoder, contract, records, limits)).toEqual([])
  })

  it.each(SEEDS)('reads some lines of what another one received, seed %i', (seed) => {
    const random = seededRandom(seed, 23)
    const contract = contractOf(seed, random)
    const other = contractOf(seed + 1, random)
    const received = made(contract).decodeRecords(hostileRecords(contract, random, 60), {
      shard: SHARD,
    }).events
    const lines = Array.from({ length: received.length }, (_, line) => line)
    const some = lines.filter(() => random() < 0.4)

    for (const judge of [contract, other]) {
      expect(disagreementOnLines(made(judge), judge, received, some)).toBeUndefined()
    }
  })

  it('lists what another contract judges, with what it declares, and judges the rest', () => {
    const declaring = (id: string, version: string) =>
      tripText({ id }).replace('{', `{"dataschema":"urn:weir:trips:${version}",`)
    const judges = (dataschema: string) => dataschema !== 'urn:weir:trips:2'
    const decoder =
      kind === 'generated' ? createDecoder(trips, { judges }) : new OracleDecoder(trips, { judges })
    const events = [declaring('a', '1'), declaring('b', '2'), tripText({ id: 'c' })]
    const once = [record(1, `[${events.join(',')}]`), record(2, declaring('d', '\\u0032'))]
    // As often as it takes to learn how such events are written.
    const records = Array.from({ length: 50 }, (_, i) =>
      once.map((one, k) => ({ ...one, sequence: record(2 * i + k, '').sequence })),
    ).flat()

    const decoded = decoder.decodeRecords(records, { shard: SHARD })

    expect(decoded.batch.rows).toBe(100)
    expect(decoded.rejected).toEqual([])
    expect(decoded.elsewhere.slice(0, 4)).toEqual([1, 3, 5, 7])
    expect(new Set(decoded.declared)).toEqual(new Set(['urn:weir:trips:2']))
    expect(decoded.declared).toHaveLength(decoded.elsewhere.length)
  })
})

describe('a decoder whose memory is too small', () => {
  it('grows in the middle of a batch, and says the same', () => {
    const random = seededRandom(3)
    const pad = 'é'.repeat(2_000)
    const large = (count: number) =>
      zstdCompressSync(
        `[${Array.from({ length: count }, (_, i) => tripText({ id: `"${i}` }).replace('{', `{"pad":"${pad}",`)).join(',')}]`,
      )
    const records = [
      ...hostileRecords(trips, random, 20, 1_000),
      { ...record(2_000, large(700)) },
      ...hostileRecords(trips, random, 20, 3_000),
      { ...record(4_000, large(3_000)) },
    ]

    expect(disagreements(createDecoder(trips), trips, records)).toEqual([])
  })
})

describe('a decoder that threw is sound when it is used again', () => {
  it.each(SEEDS)('in the middle of a batch, seed %i', (seed) => {
    const random = seededRandom(seed, 24)
    const contract = contractOf(seed, random)
    const decoder = createDecoder(contract)
    // Large enough for what comes before it to be read before the next record is loaded.
    const large = { ...record(500, `[${Array(70_000).fill('"x"').join(',')}]`) }

    for (let batch = 0; batch < 4; batch++) {
      const broken: EncodedRecord = {
        ...record(600, ''),
        get data(): Uint8Array {
          throw new RangeError('Array buffer allocation failed')
        },
      }
      const records = [...hostileRecords(contract, random, 30, 100), large, broken]

      expect(() => decoder.decodeRecords(records, { shard: SHARD })).toThrow('allocation')
      expect(disagreements(decoder, contract, hostileRecords(contract, random, 30))).toEqual([])
    }
  })

  it('in the middle of a record', () => {
    const judges = (dataschema: string) => {
      if (dataschema === 'urn:weir:trips:9') throw new Error('no judgement')
      return true
    }
    const decoder = createDecoder(trips, { judges })
    const unknown = tripText({ id: 'a' }).replace('"vendor_id"', '"never_heard_of":1,"vendor_id"')
    const rejected = tripText({ id: 'b', fare: '-1' })
    const fault = tripText({ id: 'c' }).replace('{', '{"dataschema":"urn:weir:trips:9",')
    const bad = record(1, `[${[unknown, rejected, unknown, fault].join(',')}]`)

    expect(() => decoder.decodeRecords([bad], { shard: SHARD })).toThrow('no judgement')

    const good = [record(2, `[${[rejected, unknown].join(',')}]`), record(3, unknown)]
    expect(disagreements(decoder, trips, good)).toEqual([])
    expect([...decoder.decodeRecords(good, { shard: SHARD }).unknownFields]).toEqual([
      ['never_heard_of', 2],
    ])
  })

  it('when there was no more memory for a record', () => {
    const decoder = createDecoder(trips)
    const body = `${' '.repeat(3 << 20)}${tripText({ id: 'z' })}`
    const large = record(1, zstdCompressSync(body))
    vi.stubGlobal('ArrayBuffer', function refused() {
      throw new RangeError('Array buffer allocation failed')
    })

    expect(() => decoder.decodeRecords([large], { shard: SHARD })).toThrow('allocation')
    vi.unstubAllGlobals()

    const records = [record(2, tripText({ id: 'a' })), large, record(3, tripText({ id: 'b' }))]
    expect(disagreements(decoder, trips, records)).toEqual([])

    vi.stubGlobal('ArrayBuffer', function refused() {
      throw new RangeError('Array buffer allocation failed')
    })
    const more = record(4, zstdCompressSync(' '.repeat(9 << 20) + tripText({ id: 'y' })))
    expect(() => decoder.decodeRecords([more], { shard: SHARD })).toThrow('allocation')
    vi.unstubAllGlobals()
    // The same memory, with something else in it.
    ;(more.data as Buffer).fill('x')
    expect(disagreements(decoder, trips, [more])).toEqual([])
  })
})

describe('a process that does not allow code from strings', () => {
  it('decodes slowly, and says the same', () => {
    vi.stubGlobal('Function', function refused() {
      throw new EvalError('Code generation from strings disallowed for this context')
    })

    const decoder = createDecoder(trips)

    expect(decoder).toBeInstanceOf(OracleDecoder)
    expect(disagreements(decoder, trips, hostileRecords(trips, seededRandom(9), 40))).toEqual([])
  })
})

describe('no word of a contract', () => {
  it('becomes code', () => {
    const odd = [`\`\${throw 1}\``, '";throw 1;"', '\\', '\u2028', '*/throw 1/*']
    const contract = contractWith([
      field('choice', 'string', 20, { required: true, quality: [oneOf(...odd)] }),
      field('shape', 'string', 21, { logicalTypeOptions: { pattern: '^[`"$\\\\{}\\/]*$' } }),
    ])

    const decoder = createDecoder(contract)

    expect(decoder).toBeInstanceOf(GeneratedDecoder)
    expect(
      disagreements(decoder, contract, hostileRecords(contract, seededRandom(2), 200)),
    ).toEqual([])
  })
})
