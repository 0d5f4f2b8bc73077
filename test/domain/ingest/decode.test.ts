import { describe, expect, it } from 'vitest'
import { decode, MAX_UNKNOWN_FIELDS, OTHER_FIELDS } from '#lib/domain/ingest/decode.ts'
import { ENVELOPE_REASONS } from '#lib/domain/ingest/envelope.ts'
import type { RawEvent } from '#lib/domain/ingest/raw-event.ts'
import { sequenceNumber } from '#lib/domain/kernel/sequence-number.ts'
import { valueAt } from '#test/support/columns.ts'
import { contractWith, field, oneOf, rule } from '../contract/contract-document.ts'

const contract = contractWith(
  [
    field('n', 'integer', 12, { logicalTypeOptions: { minimum: 1, maximum: 9 } }),
    field('big', 'integer', 13, { logicalTypeOptions: { format: 'i64' } }),
    field('price', 'number', 14, {
      physicalType: 'decimal(10, 2)',
      logicalTypeOptions: { minimum: 0, maximum: 99.99 },
    }),
    field('rate', 'number', 15, { physicalType: 'double' }),
    field('code', 'string', 16, {
      logicalTypeOptions: { minLength: 2, maxLength: 3, pattern: '^[A-Z😀]+$' },
    }),
    field('flag', 'string', 17, { quality: [oneOf('Y', 'N')] }),
    field('open', 'boolean', 18),
    field('day', 'date', 19, { logicalTypeOptions: { minimum: '2019-01-01' } }),
    field('local', 'timestamp', 20, {
      logicalTypeOptions: { timezone: false, defaultTimezone: 'America/New_York' },
    }),
    field('email', 'string', 21, {
      classification: 'personal',
      logicalTypeOptions: { maxLength: 5 },
    }),
  ],
  { quality: [rule('n <= price', 'n_within_price')] },
)

const AT = '"at":"2019-01-01T00:00:00Z","key":"k"'

/** An event whose data has these further members, in JSON. */
function event(members = '', envelope: Readonly<Record<string, unknown>> = {}): string {
  const head = JSON.stringify({
    specversion: '1.0',
    id: 'e1',
    source: '/s',
    type: 'test.happened',
    ...envelope,
  })
  return `${head.slice(0, -1)},"data":{${AT}${members === '' ? '' : `,${members}`}}}`
}

function received(text: string, index = 0): RawEvent {
  const sequence = sequenceNumber('49')
  return { kind: 'event', sequence, index, arrivalMicros: 90_000_000, text }
}

function decodeTexts(...texts: string[]) {
  return decode(contract, texts.map(received), { shard: 'shardId-000000000000' })
}

function verdictOf(text: string): string {
  const decoded = decodeTexts(text)
  expect(decoded.batch.rows + decoded.rejected.length).toBe(1)
  return decoded.rejected[0]?.reason ?? 'accepted'
}

describe('an accepted event', () => {
  it('is a row of every column, exact', () => {
    const decoded = decodeTexts(
      event(),
      event(
        '"n":9,"big":9007199254740993,"price":12.340,"rate":1e-2,"code":"A😀","flag":"Y","open":true,' +
          '"day":"2019-01-02","local":"2019-01-03 08:49:57","email":"a@b"',
        { id: 'e2' },
      ),
    )

    expect(decoded.rejected).toEqual([])
    const rows = [0, 1].map((row) =>
      Object.fromEntries(
        [...decoded.batch.columns].map(([name, column]) => [name, valueAt(column, row)]),
      ),
    )
    const nothing = { n: null, big: null, price: null, rate: null, code: null, flag: null }
    expect(rows).toEqual([
      {
        event_id: 'e1',
        event_source: '/s',
        ingest_time: 90_000_000n,
        ingest_shard: 'shardId-000000000000',
        ingest_sequence: '00249',
        ingest_index: 0,
        at: 1546300800000000n,
        key: 'k',
        ...nothing,
        open: null,
        day: null,
        local: null,
        email: null,
      },
      {
        event_id: 'e2',
        event_source: '/s',
        ingest_time: 90_000_000n,
        ingest_shard: 'shardId-000000000000',
        ingest_sequence: '00249',
        ingest_index: 1,
        at: 1546300800000000n,
        key: 'k',
        n: 9,
        big: 9007199254740993n,
        price: 1234n,
        rate: 0.01,
        code: 'A😀',
        flag: 'Y',
        open: 1,
        day: 17898,
        local: 1546523397000000n,
        email: 'a@b',
      },
    ])
  })

  it('brings its identity, arrival and event time along', () => {
    const decoded = decodeTexts(event(), event('', { id: 'e2', source: '/t' }))

    expect(decoded.identities).toEqual([
      { source: '/s', id: 'e1' },
      { source: '/t', id: 'e2' },
    ])
    expect([...decoded.arrivals]).toEqual([90_000_000, 90_000_000])
    expect([...decoded.arrivalMinutes]).toEqual([1, 1])
    expect([...decoded.eventTimes]).toEqual([1546300800000000n, 1546300800000000n])
  })

  it.each([
    ['a null is as good as absent', event('"n":null')],
    ['of a key that comes twice, the last counts', event('"n":77,"n":7')],
    [
      'keys of the prototype harm nobody',
      event('"__proto__":{"n":"x"},"constructor":1,"toString":2'),
    ],
    ['an event time far in the future is believed here', event('"at":"9999-12-31T23:59:59Z"')],
    [
      'a content type with parameters',
      event('', { datacontenttype: 'Application/JSON; charset=utf-8' }),
    ],
    ['a content type of the family', event('', { datacontenttype: 'application/vnd.x+json' })],
    ['extension attributes', event('', { traceparent: '00-ab', partitionkey: 'k', time: 'x' })],
    ['a null beside a rule', event('"n":5,"price":null')],
    ['the greatest identity', event('', { id: 'é'.repeat(512) })],
  ])('%s', (_case, text) => {
    expect(verdictOf(text)).toBe('accepted')
  })
})

describe('a rejected event says why', () => {
  const envelopes: readonly [string, string, string][] = [
    ['above a mebibyte', event(`"x":"${'é'.repeat(1 << 19)}"`), 'event.tooLarge'],
    ['too deep', event(`"x":${'['.repeat(65)}${']'.repeat(65)}`), 'event.tooDeep'],
    ['no JSON', '{"id":', 'event.notJson'],
    ['nothing', '', 'event.notJson'],
    ['a list', '[]', 'event.notObject'],
    ['a number', '17', 'event.notObject'],
    ['another spec version', event('', { specversion: '0.3' }), 'event.specVersion'],
    ['no spec version', '{}', 'event.specVersion'],
    ['no id', event('', { id: undefined }), 'event.id'],
    ['an empty id', event('', { id: '' }), 'event.id'],
    ['a number for an id', event('', { id: 7 }), 'event.id'],
    ['an endless id', event('', { id: 'é'.repeat(513) }), 'event.id'],
    ['an id that is no Unicode', event('', { id: '\ud800' }), 'event.id'],
    ['no source', event('', { source: null }), 'event.source'],
    ['another type', event('', { type: 'other' }), 'event.eventType'],
    ['another content type', event('', { datacontenttype: 'text/xml' }), 'event.contentType'],
    ['data that is a text', event().replace(/"data":.*\}\}/, '"data":"{}"}'), 'event.data'],
    ['data that is a number', event().replace(/"data":.*\}\}/, '"data":1}'), 'event.data'],
    ['no data', event().replace(/,"data":.*\}\}/, '}'), 'event.data'],
  ]
  const fields: readonly [string, string, string][] = [
    ['an absent required field', event().replace('"key":"k"', '"x":1'), 'key.missing'],
    ['a null required field', event('"key":null'), 'key.missing'],
    ['a text for a number', event('"n":"7"'), 'n.type'],
    ['an object for a number', event('"n":{"text":"7"}'), 'n.type'],
    ['a fraction for an integer', event('"n":7.5'), 'n.notInteger'],
    ['a number beyond the type', event('"n":99999999999'), 'n.outOfRange'],
    ['below the minimum', event('"n":0'), 'n.belowMinimum'],
    ['above the maximum', event('"n":10'), 'n.aboveMaximum'],
    ['just above the maximum', event('"price":100.00'), 'price.aboveMaximum'],
    ['a digit too many', event('"price":1.001'), 'price.tooPrecise'],
    ['too short a text', event('"code":"😀"'), 'code.tooShort'],
    ['too long a text', event('"code":"ABCD"'), 'code.tooLong'],
    ['a text of another form', event('"code":"ab"'), 'code.pattern'],
    ['a text without a UTF-8 form', event('"code":"\\ud800x"'), 'code.notUnicode'],
    ['a value outside the enumeration', event('"flag":"X"'), 'flag.notAllowed'],
    ['no date', event('"day":"2019-02-30"'), 'day.notDate'],
    ['an early date', event('"day":"2018-12-31"'), 'day.belowMinimum'],
    ['a local time with an offset', event('"local":"2019-01-03 08:49:57Z"'), 'local.notTimestamp'],
    ['a broken rule', event('"n":5,"price":4.99'), 'rule:n_within_price'],
    ['the first fault in contract order', event('"flag":"X","n":0'), 'n.belowMinimum'],
  ]

  it.each([...envelopes, ...fields])('%s', (_case, text, reason) => {
    expect(verdictOf(text)).toBe(reason)
  })

  it('and the cases above reach every reason of the envelope', () => {
    expect(new Set(envelopes.map(([, , reason]) => reason))).toEqual(new Set(ENVELOPE_REASONS))
  })

  it('with its place, its identity as far as it is known, its text and a sentence', () => {
    const text = event('"price":-0.01', { id: 'e9' })

    expect(decodeTexts(event(), text).rejected).toEqual([
      {
        sequence: '00249',
        index: 1,
        arrivalMicros: 90_000_000,
        reason: 'price.belowMinimum',
        detail: 'price is below 0, came -0.01',
        eventId: 'e9',
        eventSource: '/s',
        text,
      },
    ])
  })

  it('without repeating personal data', () => {
    const { rejected } = decodeTexts(event('"email":"somebody@example.com"'))

    expect(rejected[0]).toMatchObject({
      reason: 'email.tooLong',
      detail: 'email has more than 5 characters',
    })
  })

  it('and a stub stays a stub', () => {
    const place = { sequence: sequenceNumber('50'), index: 0, arrivalMicros: 1 } as const
    const reason = 'undecodable.notUtf8' as const
    const stub: RawEvent = { kind: 'stub', ...place, lengthBytes: 3, sha256: 'ab', reason }

    const { rejected, batch } = decode(contract, [stub], { shard: 's' })

    expect(batch.rows).toBe(0)
    expect(rejected).toEqual([
      { ...place, reason, detail: expect.any(String), stub: { lengthBytes: 3, sha256: 'ab' } },
    ])
  })
})

describe('fields that the contract does not know', () => {
  it('are counted by name, also in rejected events', () => {
    const decoded = decodeTexts(event('"tip":1'), event('"tip":2,"n":0,"__proto__":1'), event())

    expect([...decoded.unknownFields]).toEqual([
      ['tip', 2],
      ['__proto__', 1],
    ])
  })

  it('are counted in bounded memory', () => {
    const members = Array.from({ length: 500 }, (_, i) => `"${'x'.repeat(500)}${i}":1,"y${i}":1`)

    const { unknownFields } = decodeTexts(event(members.join(',')))

    expect(unknownFields.size).toBeLessThanOrEqual(MAX_UNKNOWN_FIELDS + 1)
    expect(unknownFields.get(OTHER_FIELDS)).toBeGreaterThan(0)
    expect([...unknownFields.values()].reduce((a, b) => a + b)).toBe(1000)
    expect(Math.max(...[...unknownFields.keys()].map((name) => name.length))).toBeLessThanOrEqual(
      64,
    )
  })
})
