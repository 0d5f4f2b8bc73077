import { zstdCompressSync } from 'node:zlib'
import { beforeAll, describe, expect, it } from 'vitest'
import { compileContract } from '#lib/domain/contract/compile-contract.ts'
import type { Contract } from '#lib/domain/contract/contract.ts'
import type { EncodedRecord } from '#lib/domain/ingest/decoder/decoder.ts'
import { RAW_LIMITS } from '#lib/domain/ingest/raw-limits.ts'
import { type Random, seededRandom } from '#lib/domain/ops/seeded-random.ts'
import { ArchivePair } from '#test/support/archive-pair.ts'
import type { Fault } from '#test/support/faults.ts'
import { tripsContract } from '#test/support/memory-cell.ts'
import { record, tripText } from '#test/support/trip-events.ts'
import { tripsVersions } from '#test/support/trips-versions.ts'
import { contractDocument, field } from '../contract/contract-document.ts'
import { hostileEvent } from './decoder/hostile-event.ts'
import { hostileRecords } from './decoder/hostile-record.ts'
import { pick, randomContract } from './decoder/random-contract.ts'

const SHARD = 'shardId-000000000000'
const SEEDS = 24

let trips: Contract
beforeAll(async () => {
  trips = await tripsContract()
})

/** Some of the records come again: a resend is a duplicate. */
function withResends(records: readonly EncodedRecord[], random: Random): EncodedRecord[] {
  return records.map((one, i) =>
    i > 3 && random() < 0.2 ? { ...one, data: records[Math.floor(random() * i)]!.data } : one,
  )
}

const someRecords = (contract: Contract, random: Random, count: number) =>
  withResends(hostileRecords(contract, random, count), random)

/** Records in runs, as a stream delivers them: the next ones, fewer of them again, or from further back. */
function* deliveries(records: readonly EncodedRecord[], random: Random) {
  for (let next = 0; next < records.length; ) {
    const first = Math.max(0, next - (random() < 0.3 ? Math.floor(random() * 8) : 0))
    const end = Math.min(records.length, next + 1 + Math.floor(random() * 20))
    yield records.slice(first, end)
    next = end
  }
}

describe('the archive leaves in every store, byte for byte and in the same order, what its reference leaves', () => {
  it.each(Array.from({ length: SEEDS }, (_, seed) => seed))(
    'of hostile records, seed %i',
    async (seed) => {
      const random = seededRandom(seed, 11)
      const contract = seed % 2 === 0 ? trips : randomContract(random)
      const pair = new ArchivePair(contract)

      for (const delivered of deliveries(someRecords(contract, random, 80), random)) {
        expect(await pair.take(SHARD, delivered)).toBeUndefined()
        if (random() < 0.2) pair.restart([contract])
      }

      expect(await pair.difference()).toBeUndefined()
      expect(pair.entries.length).toBeGreaterThan(3)
    },
  )

  it.each([0, 1, 2, 3])('of events of several versions and majors, seed %i', async (seed) => {
    const random = seededRandom(seed, 12)
    const [v1, v11, v2] = tripsVersions()
    const undeclared = seed === 3 ? { ...v2, undeclaredMajor: 1 } : v2
    const deployments = [[v1], [v1, v11], [v1, v11, undeclared]]
    const pair = new ArchivePair(...deployments[seed % 3]!)

    for (const delivered of deliveries(versionedRecords([v1, v11, v2], random), random)) {
      expect(await pair.take(SHARD, delivered)).toBeUndefined()
      if (random() < 0.3) pair.restart(pick(random, deployments))
    }

    expect(await pair.difference()).toBeUndefined()
    expect(pair.entries.some(({ drift }) => drift?.unknownVersions !== undefined)).toBe(true)
  })

  it.each([
    ['another major than most', 'urn:weir:trips:1.0'],
    ['a version that nobody knows', 'urn:weir:trips:7'],
  ])('of events that all declare %s', async (_case, urn) => {
    const pair = new ArchivePair(...tripsVersions())
    const texts = ['a', 'b', 'a'].map((id) =>
      tripText({ id }).replace('{', `{"dataschema":"${urn}",`),
    )

    expect(await pair.take(SHARD, [record(1, `[${texts.join(',')}]`)])).toBeUndefined()
    expect(await pair.take(SHARD, [record(2, texts[1]!)])).toBeUndefined()

    expect(await pair.difference()).toBeUndefined()
    expect(pair.entries[0]!.admittedByMajor).toEqual(urn.endsWith('7') ? { 2: 0 } : { 1: 2 })
  })

  it('of changes of rows, which no code is generated for', async () => {
    const random = seededRandom(5)
    const pair = new ArchivePair(accounts)
    const records = Array.from({ length: 40 }, (_, i) => record(i + 1, changeText(random)))

    for (const delivered of deliveries(withResends(records, random), random)) {
      expect(await pair.take(SHARD, delivered)).toBeUndefined()
    }

    expect(await pair.difference()).toBeUndefined()
  })

  it('of several shards in one process, one after another', async () => {
    const random = seededRandom(6)
    const pair = new ArchivePair(trips)
    const shards = ['a', 'b', 'c', 'd', 'e', 'f'].map((shard) => ({
      shard,
      records: someRecords(trips, random, 20),
    }))

    for (const [first, end] of [
      [0, 12],
      [8, 20],
    ] as const) {
      for (const { shard, records } of shards) {
        expect(await pair.take(shard, records.slice(first, end))).toBeUndefined()
      }
    }

    expect(await pair.difference()).toBeUndefined()
  })
})

describe('a raw object that another attempt created is adopted as the reference adopts it', () => {
  const FAULTS: readonly Fault[] = ['dies before', 'dies after', 'answer lost', 'refused']

  it.each(FAULTS)('after a process that met "%s" at any of its effects', async (fault) => {
    for (let at = 1; at < 14; at++) {
      const random = seededRandom(at, 13)
      const records = someRecords(trips, random, 60)
      const pair = new ArchivePair(trips)
      pair.restart([trips], { at, fault })

      for (const [first, end] of [
        [0, 30],
        pick(random, [
          [0, 10],
          [0, 30],
          [0, 45],
        ] as const),
        [20, 60],
      ] as const) {
        await pair.take(SHARD, records.slice(first, end))
        if (fault.startsWith('dies')) pair.restart([trips])
      }
      expect(await pair.take(SHARD, records)).toBeUndefined()

      expect(await pair.difference()).toBeUndefined()
    }
  })

  it('judged by the version that it names, whatever is deployed since', async () => {
    const versions = tripsVersions()
    const random = seededRandom(7)
    const records = versionedRecords(versions, random)
    const judges = new Set<string>()
    for (let at = 2; at < 6; at++) {
      const pair = new ArchivePair(versions[0])
      pair.restart(versions.slice(0, 1), { at, fault: 'dies after' })
      await pair.take(SHARD, records.slice(0, 25))

      pair.restart(versions)
      expect(await pair.take(SHARD, records)).toBeUndefined()

      expect(await pair.difference()).toBeUndefined()
      judges.add(pair.entries.map((one) => one.contractVersion).join(', then '))
    }
    expect(judges).toContain('1.0.0, then 2.0.0')
  })
})

describe('a raw object ends where the reference ends it', () => {
  const units = (count: number) => `["${'é'.repeat(count - 2)}"]`
  const events = (count: number) => `[${Array.from({ length: count }, () => '1').join(',')}]`
  const { maxWeight, maxEvents } = RAW_LIMITS

  it.each([
    ['exactly full of text', [...Array(31).fill(units(1 << 20)), units(1 << 20), '[1]'], 32],
    ['one unit too long', [...Array(31).fill(units(1 << 20)), units((1 << 20) + 1), '[1]'], 31],
    ['exactly full of events', [...Array(10).fill(events(maxEvents / 10)), '[1]'], 10],
    ['one event too many', [...Array(9).fill(events(maxEvents / 10)), events(5_001), '[1]'], 9],
    ['of events that are mostly space', Array(40).fill(`[${' '.repeat(1 << 20)}1]`), 40],
    ['of what is no JSON', Array(40).fill('x'.repeat(1 << 20)), 40],
  ])('%s', async (_case, bodies: readonly string[], first) => {
    const pair = new ArchivePair(trips)
    const records = bodies.map((body, i) => record(i + 1, zstdCompressSync(body)))

    expect(await pair.take(SHARD, records)).toBeUndefined()

    expect(await pair.difference()).toBeUndefined()
    expect(pair.entries[0]!.last).toBe(records[first - 1]!.sequence)
    expect(maxWeight).toBe(32 << 20)
  })

  it('behind a record as large as one may be, which the memory has to grow for', async () => {
    const pair = new ArchivePair(trips)
    const small = tripText({ id: 'small' })
    const pad = 'x'.repeat(1_000)
    const large = Array.from({ length: 10_000 }, (_, i) =>
      tripText({ id: `é${i}` }).replace('{', `{"pad":"${pad}",`),
    )
    const records = [
      record(1, small),
      record(2, zstdCompressSync(`[${large.join(',')}]`)),
      record(3, tripText({ id: 'é5' })),
    ]

    expect(await pair.take(SHARD, records)).toBeUndefined()

    expect(await pair.difference()).toBeUndefined()
    expect(pair.entries[0]!.counts).toEqual({
      received: 10_002,
      admitted: 10_001,
      duplicate: 1,
      rejected: 0,
    })
  })
})

/** Batches of trips, each event of a version that it may declare, rightly, wrongly or not at all. */
function versionedRecords(versions: readonly Contract[], random: Random): EncodedRecord[] {
  const declared = ['1', '1.0', '1.1', '2', '2.0.0', '1.9', '3', 'x']
  const one = () => {
    const contract = pick(random, versions)
    const text = hostileEvent(contract, random, { odd: 0.01, shuffled: 0.2, escaped: 0.02 })
    if (random() < 0.3) return text
    const schema = random() < 0.6 ? contract.version : pick(random, declared)
    const urn = random() < 0.9 ? `urn:weir:trips:${schema}` : 'https://example.com/trip'
    return text.replace('{', `{"dataschema":"${urn}",`)
  }
  const records = Array.from({ length: 60 }, (_, i) => {
    const events = Array.from({ length: 1 + Math.floor(random() * 12) }, one)
    return record(i + 1, `[${events.join(',')}]`)
  })
  return withResends(records, random)
}

const accounts = compileContract(
  contractDocument([], {
    top: {
      customProperties: [
        ['weir.eventType', 'bank.account.changed'],
        ['weir.eventTime', 'changed_at'],
        ['weir.partitionKey', 'account'],
        ['weir.costCenter', 'tests'],
        ['weir.cdc', 'debezium'],
        ['weir.cdcPosition', 'pos'],
      ].map(([property, value]) => ({ property: property!, value: value! })),
      schema: [
        {
          name: 'tests',
          properties: [
            field('account', 'integer', 10, { required: true, primaryKey: true }),
            field('owner', 'string', 11, { required: true }),
          ],
        },
      ],
    },
  }),
)

function changeText(random: Random): string {
  const image = { account: Math.floor(random() * 9), owner: pick(random, ['Ada', 'é', 7]) }
  return JSON.stringify({
    specversion: '1.0',
    id: String(Math.floor(random() * 30)),
    source: '/db',
    type: 'bank.account.changed',
    data: {
      op: pick(random, ['c', 'd', 'r', 'x']),
      [pick(random, ['after', 'before'])]: image,
      source: { pos: Math.floor(random() * 1_000), ts_ms: 1_767_225_600_123 },
    },
  })
}
