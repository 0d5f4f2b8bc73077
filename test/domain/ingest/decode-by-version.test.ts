import { describe, expect, it } from 'vitest'
import { versionsOf } from '#lib/domain/contract/contract-versions.ts'
import { declaredSchema } from '#lib/domain/ingest/declared-schema.ts'
import { decodeByVersion } from '#lib/domain/ingest/decode-by-version.ts'
import { MAX_DRIFT_NAMES, sumDrift } from '#lib/domain/ingest/drift.ts'
import { unpackRecord } from '#lib/domain/ingest/wire.ts'
import { recentDrift } from '#lib/domain/ops/recent-drift.ts'
import { MemoryCell } from '#test/support/memory-cell.ts'
import { record, tripText } from '#test/support/trip-events.ts'
import { tripsVersions } from '#test/support/trips-versions.ts'

const [V1, V11, V2] = tripsVersions()
const SHARD = 'shardId-000000000000'
const versions = versionsOf([V1, V11, V2])

function declaring(dataschema: unknown, id = 'a'): string {
  return tripText({ id }).replace('{', `{"dataschema":${JSON.stringify(dataschema)},`)
}

function decoded(texts: readonly string[], version = '2.0.0') {
  const events = unpackRecord(record(1, `[${texts.join(',')}]`))
  return decodeByVersion(versions.inForce(version), events, { shard: SHARD })
}

/** Who judged one event: `2.0.0 admitted`, `1.1.0 fare_amount.missing`. */
function judged(text: string, version?: string): string {
  const { parts, rejected } = decoded([text], version)
  const [first] = rejected
  if (first) return `${first.contractVersion ?? version ?? '2.0.0'} ${first.reason}`
  return `${parts.find(({ decoded }) => decoded.batch.rows === 1)?.contract.version} admitted`
}

describe('an event is judged by the newest contract of the major that it declares', () => {
  it.each([
    ['urn:weir:trips:1', '1.1.0 admitted'],
    ['urn:weir:trips:1.0', '1.1.0 admitted'],
    ['urn:weir:trips:1.1.0', '1.1.0 admitted'],
    ['urn:weir:trips:2.0', '2.0.0 fare.missing'],
    ['urn:weir:trips:1.2', '2.0.0 event.version'],
    ['urn:weir:trips:3', '2.0.0 event.version'],
    ['urn:weir:trips:01', '2.0.0 event.version'],
    ['urn:weir:trips:', '2.0.0 event.version'],
    ['urn:weir:rides:1.0', '2.0.0 event.version'],
    ['https://example.com/schemas/trip', '2.0.0 fare.missing'],
    [null, '2.0.0 fare.missing'],
    [1, '2.0.0 fare.missing'],
  ])('%j', (dataschema, verdict) => {
    expect(judged(declaring(dataschema))).toBe(verdict)
  })

  it('and by what was deployed when its batch was judged, whatever came later', () => {
    expect(judged(declaring('urn:weir:trips:1.0'), '1.0.0')).toBe('1.0.0 admitted')
    expect(judged(declaring('urn:weir:trips:1.1'), '1.0.0')).toBe('1.0.0 event.version')
    expect(judged(declaring('urn:weir:trips:1.1'), '1.1.0')).toBe('1.1.0 admitted')
  })

  it('whatever else is wrong with it', () => {
    expect(judged(declaring('urn:weir:trips:9').replace('"id":"a",', ''))).toBe(
      '2.0.0 event.version',
    )
  })
})

describe('the declared schema of a text', () => {
  it.each([
    ['written with escapes', '{"data\\u0073chema":"urn:weir:trips:1"}', 'urn:weir:trips:1'],
    [
      'stated twice: the last one',
      '{"dataschema":"x","dataschema":"urn:weir:t:1"}',
      'urn:weir:t:1',
    ],
    ['inside the data', '{"data":{"dataschema":"urn:weir:trips:1"}}', undefined],
    ['of the prototype', '{"__proto__":{"dataschema":"urn:weir:trips:1"}}', undefined],
    ['no JSON', '{"dataschema":"urn:weir:trips:1"', undefined],
    ['a list', '["dataschema"]', undefined],
  ])('%s', (_case, text, expected) => {
    expect(declaredSchema(text)).toBe(expected)
  })
})

describe('what is rejected', () => {
  it('keeps its place in the batch, whoever judged it', () => {
    const bad = (id: string, dataschema: string) =>
      declaring(dataschema, id).replace('"vendor_id":1,', '')
    const { rejected } = decoded([
      bad('a', 'urn:weir:trips:2.0'),
      bad('b', 'urn:weir:trips:1.0'),
      declaring('urn:weir:trips:7', 'c'),
      bad('d', 'urn:weir:trips:1.0'),
    ])

    expect(
      rejected.map((one) => [one.eventId, one.index, one.contractVersion, one.reason]),
    ).toEqual([
      ['a', 0, undefined, 'vendor_id.missing'],
      ['b', 1, '1.1.0', 'vendor_id.missing'],
      ['c', 2, undefined, 'event.version'],
      ['d', 3, '1.1.0', 'vendor_id.missing'],
    ])
  })
})

describe('drift', () => {
  const unknown = (id: string, ...names: string[]) =>
    tripText({ id }).replace(
      '"vendor_id"',
      `${names.map((name) => `"${name}":1,`).join('')}"vendor_id"`,
    )

  it('stands in the journal entry by name, and in what status shows', async () => {
    const cell = new MemoryCell(V1)
    const archive = cell.archive()
    await archive.take(SHARD, [record(1, tripText({ id: 'a' }))])
    await archive.take(SHARD, [
      record(2, `[${unknown('b', 'toll')},${unknown('c', 'toll', 'tip')}]`),
      record(3, declaring('urn:weir:trips:1.9', 'd')),
    ])
    await archive.take(SHARD, [record(4, unknown('e', 'tip'))])

    const entries = await cell.journal.entriesAfter(SHARD, 'start', 9)
    expect(entries.map((entry) => entry.drift)).toEqual([
      undefined,
      { unknownFields: { toll: 2, tip: 1 }, unknownVersions: { 'urn:weir:trips:1.9': 1 } },
      { unknownFields: { tip: 1 } },
    ])
    expect(await recentDrift(cell.journal)).toEqual({
      batches: 3,
      unknownFields: { tip: 2, toll: 2 },
      unknownVersions: { 'urn:weir:trips:1.9': 1 },
    })
    expect(await recentDrift(cell.journal, 1)).toEqual({ batches: 1, unknownFields: { tip: 1 } })
  })

  it('is bounded, however many names a producer makes up, and counts the rest', async () => {
    const cell = new MemoryCell(V1)
    const names = Array.from({ length: 500 }, (_, i) => `${'x'.repeat(90)}${i}`)
    const short = Array.from({ length: 500 }, (_, i) => `n${i}`)
    await cell
      .archive()
      .take(SHARD, [
        record(1, unknown('a', ...names)),
        record(2, unknown('b', ...short)),
        record(3, unknown('c', 'often')),
        record(4, unknown('d', 'often')),
      ])

    const [entry] = await cell.journal.entriesAfter(SHARD, 'start', 1)

    const fields = entry!.drift!.unknownFields!
    expect(Object.keys(fields)).toHaveLength(MAX_DRIFT_NAMES + 1)
    expect(Object.values(fields).reduce((a, b) => a + b)).toBe(1_002)
    expect(JSON.stringify(entry).length).toBeLessThan(3_000)
  })

  it('of names that objects are born with is counted like any other', () => {
    const drift = { unknownFields: JSON.parse('{"__proto__":1,"toString":2}') }

    expect(Object.entries(sumDrift([drift, undefined, drift]).unknownFields!)).toEqual([
      ['toString', 4],
      ['__proto__', 2],
    ])
  })
})
