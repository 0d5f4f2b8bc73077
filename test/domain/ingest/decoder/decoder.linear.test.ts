import { gzipSync, zstdCompressSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { createDecoder } from '#lib/domain/ingest/decoder/create-decoder.ts'
import type { EncodedRecord } from '#lib/domain/ingest/decoder/decoder.ts'
import { record } from '#test/support/trip-events.ts'
import { contractWith, field, oneOf } from '../../contract/contract-document.ts'

/** The items of an array have no name. */
function unnamed({ name: _, ...rest }: ReturnType<typeof field>) {
  return rest
}

const contract = contractWith([
  field('text', 'string', 20),
  field('shape', 'string', 21, { logicalTypeOptions: { pattern: '^(a|ab)*(c|bcd)$' } }),
  field('long', 'integer', 22, { logicalTypeOptions: { format: 'i64' } }),
  field('amount', 'number', 23, { physicalType: 'decimal(18, 9)' }),
  field('double', 'number', 24, { physicalType: 'double' }),
  field('one', 'string', 25, { quality: [oneOf('a', 'b')] }),
  field('list', 'array', 26, {
    items: unnamed(field('item', 'string', 27)),
    logicalTypeOptions: { uniqueItems: true },
  }),
  field('day', 'date', 28),
])

/** An event with more in its data. */
function event(data: string, envelope = ''): string {
  return `{"specversion":"1.0","id":"i","source":"s","type":"test.happened",${envelope}"data":{"at":"2026-01-01T00:00:00Z","key":"k"${data}}}`
}

const many = (count: number, text: (i: number) => string) =>
  Array.from({ length: count }, (_, i) => text(i)).join(',')

/** Records of about so many bytes, each bad in its own way. */
const INPUTS: Readonly<Record<string, (bytes: number) => (string | Uint8Array)[]>> = {
  'space around nothing': (n) => [' '.repeat(n)],
  'space inside': (n) => [`[${' '.repeat(n)}${event('')}${' '.repeat(n)}]`],
  // Fewer: what JSON.parse itself remembers of a million of them outgrows the processor's caches.
  'open brackets': (n) => ['['.repeat(n / 4)],
  'open objects': (n) => ['{"a":'.repeat(n / 5)],
  'nesting too deep to judge, again and again': (n) => [
    `[${many(n / 400, () => `${'['.repeat(100)}${']'.repeat(100)}`)}]`,
  ],
  'a text of escapes': (n) => [event(`,"text":"${'\\u0041'.repeat(n / 6)}"`)],
  'a text of backslashes': (n) => [event(`,"text":"${'\\\\'.repeat(n / 2)}"`)],
  'a text without an end': (n) => [`{"specversion":"1.0","id":"${'a'.repeat(n)}`],
  'an id of escapes, too long': (n) => [event('').replace('"i"', `"${'\\n'.repeat(n / 2)}"`)],
  'a text that a pattern nearly matches': (n) => [event(`,"shape":"${'ab'.repeat(n / 2)}"`)],
  'a number of digits': (n) => [event(`,"long":${'9'.repeat(n)}`)],
  'a decimal of zeros': (n) => [event(`,"amount":0.${'0'.repeat(n)}`)],
  'a decimal of digits': (n) => [event(`,"amount":1.${'1'.repeat(n)}`)],
  'a double of digits': (n) => [event(`,"double":${'7'.repeat(n)}.5`)],
  'an exponent of digits': (n) => [event(`,"amount":1e${'9'.repeat(n)}`)],
  'one member, over and over': (n) => [event(`,${many(n / 11, () => '"text":"x"')}`)],
  'members that nobody knows': (n) => [event(`,${many(n / 12, (i) => `"n${i}":1`)}`)],
  'attributes that nobody knows': (n) => [event('', `${many(n / 12, (i) => `"n${i}":1`)},`)],
  'a list of different items': (n) => [event(`,"list":[${many(n / 12, (i) => `"item ${i}"`)}]`)],
  'a value of an enumeration, nearly': (n) => [event(`,"one":"${'a'.repeat(n)}"`)],
  'a date that goes on': (n) => [event(`,"day":"2026-01-01${'0'.repeat(n)}"`)],
  'events that are none': (n) => [`[${many(n / 200, () => '1')}]`],
  'events, each in an order of its own': (n) => [
    `[${many(n / 400, (i) => event(`,"n${i}":1`, `"x${i}":${i},`))}]`,
  ],
  'events of one fault': (n) => [`[${many(n / 400, () => event(',"long":"x"'))}]`],
  'records of a byte': (n) => Array.from({ length: n / 1_000 }, () => 'x'),
  'records that are no UTF-8': (n) =>
    Array.from({ length: n / 1_000 }, () => Uint8Array.of(0x7b, 0xff, 0x7d)),
  'records of one event': (n) => Array.from({ length: n / 400 }, () => event('')),
  'compressed records': (n) => Array.from({ length: n / 400 }, () => zstdCompressSync(event(''))),
  'records that break off': (n) =>
    Array.from({ length: n / 4_000 }, () => gzipSync(event('')).subarray(0, -9)),
  'an event behind much that is none': (n) => [`[${many(n / 200, () => '1')},${event('')}]`],
}

const BASE_BYTES = 200_000
const FACTOR = 4
const TRIES = 5

/** Processor time in micros: the least of some tries, since a machine may be busy. */
function costOf(bodies: readonly (string | Uint8Array)[]): number {
  const records: EncodedRecord[] = bodies.map((body, i) => record(i + 1, body))
  let least = Number.POSITIVE_INFINITY
  const decoder = createDecoder(contract, { expectedBytes: 2 * FACTOR * BASE_BYTES })
  for (let i = 0; i < TRIES; i++) {
    const before = process.cpuUsage()
    decoder.decodeRecords(records, { shard: 's' })
    const { user, system } = process.cpuUsage(before)
    least = Math.min(least, user + system)
  }
  return least
}

describe('four times the input costs about four times the processor time, never its square', () => {
  // Once more where something else ran: a square is one each time.
  it.each(Object.keys(INPUTS))('%s', { retry: 3 }, (name) => {
    const input = INPUTS[name]!
    const [once, more] = [input(BASE_BYTES), input(FACTOR * BASE_BYTES)]

    const small = costOf(once)
    const large = costOf(more)

    // A square would be 16 times as much; a millisecond is what no clock of a busy machine tells from nothing.
    expect(large).toBeLessThan(2 * FACTOR * small + 1_000)
  })
})
