import { createHash } from 'node:crypto'
import { constants, gzipSync, zstdCompressSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { UNDECODABLE_REASONS } from '#lib/domain/ingest/raw-event.ts'
import { unpackRecord, type WireLimits } from '#lib/domain/ingest/wire.ts'
import { sequenceNumber } from '#lib/domain/kernel/sequence-number.ts'

const place = { sequence: sequenceNumber('49'), arrivalMicros: 1_500_000 }

function unpack(data: Uint8Array | string, limits?: WireLimits) {
  return unpackRecord({ ...place, data: Buffer.from(data) }, limits)
}

function textsOf(data: Uint8Array | string): string[] {
  return unpack(data).map((event) => (event.kind === 'event' ? event.text : event.reason))
}

const one = '{"id":"1"}'
const batch = '[{"id":"1"},{"id":"2"}]'

describe('a record is taken apart', () => {
  it('into the event that it holds', () => {
    expect(unpack(one)).toEqual([{ kind: 'event', ...place, index: 0, text: one }])
  })

  it('into the events of its batch, in order', () => {
    expect(unpack(batch)).toEqual([
      { kind: 'event', ...place, index: 0, text: '{"id":"1"}' },
      { kind: 'event', ...place, index: 1, text: '{"id":"2"}' },
    ])
  })

  it.each([
    ['plain', Buffer.from(batch)],
    ['gzip', gzipSync(batch)],
    ['gzip of two members', Buffer.concat([gzipSync('[{"id":"1"},'), gzipSync('{"id":"2"}]')])],
    ['zstd', zstdCompressSync(batch)],
    [
      'zstd with a checksum',
      zstdCompressSync(batch, { params: { [constants.ZSTD_c_checksumFlag]: 1 } }),
    ],
  ])('whether it is %s', (_case, data) => {
    expect(textsOf(data)).toEqual(['{"id":"1"}', '{"id":"2"}'])
  })

  it('without a change of a character: numbers, order, space and escapes stay', () => {
    const odd = '{ "b" : 1.10 , "a":"\\u0041[],{}\\"\\\\" ,\r\n "a": 1e3,"x":{"y":[1, 2 ]}}'

    expect(textsOf(` \n[ ${odd}\t,${odd} ] `)).toEqual([odd, odd])
    expect(textsOf(`\n ${odd} `)).toEqual([odd])
  })

  it('and a member that is no object is an event of its own, to be rejected with a reason', () => {
    expect(textsOf('[1, "a,]", null ,[[1],2], {} ,true]')).toEqual([
      '1',
      '"a,]"',
      'null',
      '[[1],2]',
      '{}',
      'true',
    ])
  })

  it('so that any batch keeps the exact text of each member', () => {
    const space = fc.string({ unit: fc.constantFrom(' ', '\n', '\r', '\t'), maxLength: 2 })
    const member = fc.oneof(
      fc.json({ noUnicodeString: false }),
      fc.jsonValue().map((value) => JSON.stringify(value, null, 1)),
    )
    fc.assert(
      fc.property(fc.array(fc.tuple(space, member, space), { minLength: 1 }), (parts) => {
        const body = `[${parts.map((part) => part.join('')).join(',')}]`
        fc.pre(body.isWellFormed())
        expect(textsOf(body)).toEqual(parts.map(([, text]) => text))
      }),
    )
  })
})

describe('a record that cannot be taken apart is one stub', () => {
  const bomb = '['.padEnd(2_000_000)
  const cases: readonly [string, Uint8Array | string, string, WireLimits?][] = [
    ['no bytes', '', 'empty'],
    ['a truncated gzip', gzipSync(batch).subarray(0, -4), 'compression'],
    ['a truncated zstd', zstdCompressSync(batch).subarray(0, -1), 'compression'],
    [
      'gzip with another checksum',
      Uint8Array.from(gzipSync(one), (b, i) => (i === 24 ? b ^ 1 : b)),
      'compression',
    ],
    ['the magic bytes of gzip alone', Uint8Array.of(0x1f, 0x8b), 'compression'],
    ['the magic bytes of zstd alone', Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd), 'compression'],
    ['gzip and garbage', Buffer.concat([gzipSync(one), Buffer.from('x')]), 'compression'],
    ['gzip and zeros', Buffer.concat([gzipSync(one), Buffer.alloc(8)]), 'trailingBytes'],
    ['zstd and garbage', Buffer.concat([zstdCompressSync(one), Buffer.from('x')]), 'trailingBytes'],
    [
      'two zstd frames',
      Buffer.concat([zstdCompressSync(one), zstdCompressSync(one)]),
      'trailingBytes',
    ],
    ['a gzip bomb', gzipSync(bomb), 'tooLarge', { maxInflatedBytes: 1_000_000 }],
    ['a zstd bomb', zstdCompressSync(bomb), 'tooLarge', { maxInflatedBytes: 1_000_000 }],
    ['a plain record above the cap', bomb, 'tooLarge', { maxInflatedBytes: 1_000_000 }],
    ['gzip in gzip', gzipSync(gzipSync(one)), 'notUtf8'],
    ['Latin-1', Buffer.from('{"a":"é"}', 'latin1'), 'notUtf8'],
    ['a lone surrogate in UTF-8', Uint8Array.of(0x22, 0xed, 0xa0, 0x80, 0x22), 'notUtf8'],
    ['a byte order mark', `\ufeff${one}`, 'notJson'],
    ['half an event', '{"id":', 'notJson'],
    ['two events without a list', `${one}\n${one}`, 'notJson'],
    ['a comma too much', '[{},]', 'notJson'],
    ['NUL', '\0', 'notJson'],
    ['space', ' \n', 'notJson'],
    ['a text', '"hello"', 'notEvents'],
    ['null', 'null', 'notEvents'],
    ['a batch of nothing', '[ ]', 'emptyBatch'],
    ['a batch above the cap', '[{},{},{}]', 'tooManyEvents', { maxEvents: 2 }],
  ]

  it.each(cases)('%s', (_case, data, reason, limits) => {
    const bytes = Buffer.from(data as string)

    expect(unpack(bytes, limits)).toEqual([
      {
        kind: 'stub',
        ...place,
        index: 0,
        lengthBytes: bytes.length,
        sha256: createHash('sha256').update(bytes).digest('hex'),
        reason: `undecodable.${reason}`,
      },
    ])
  })

  it('and the cases above reach every reason', () => {
    const reached = new Set(cases.map(([, , reason]) => `undecodable.${reason}`))

    expect([...reached].sort()).toEqual([...UNDECODABLE_REASONS].sort())
  })

  it('whatever the bytes are: nothing throws, and there is at least one line', () => {
    const magic = fc.constantFrom([], [0x1f, 0x8b], [0x28, 0xb5, 0x2f, 0xfd], [0x5b], [0x7b])
    fc.assert(
      fc.property(magic, fc.uint8Array({ maxLength: 200 }), (head, tail) => {
        const events = unpack(Uint8Array.from([...head, ...tail]))
        expect(events.length).toBeGreaterThan(0)
        expect(events.map((event) => event.index)).toEqual(events.map((_, i) => i))
      }),
      { numRuns: 1_000 },
    )
  })

  it('and deep nesting is no crash', () => {
    const deep = `${'['.repeat(2_000_000)}${']'.repeat(2_000_000)}`

    expect(unpack(deep)).toHaveLength(1)
  })
})
