import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decode } from '#lib/domain/ingest/decode.ts'
import { unpackRecord } from '#lib/domain/ingest/wire.ts'
import { lengthOf } from '#lib/domain/kernel/columns.ts'
import { sequenceNumber } from '#lib/domain/kernel/sequence-number.ts'
import { contractWith, field } from '../contract/contract-document.ts'

const contract = contractWith([
  field('n', 'integer', 12),
  field('price', 'number', 13, { physicalType: 'decimal(10, 2)' }),
  field('text', 'string', 14),
])

/** Bytes decoded as a record would be; each event must end once, as a row or as a rejection. */
function judge(data: Uint8Array) {
  const record = { sequence: sequenceNumber('1'), arrivalMicros: 60_000_000, data }
  const events = unpackRecord(record)
  const decoded = decode(contract, events, { shard: 's' })

  expect(decoded.batch.rows + decoded.rejected.length).toBe(events.length)
  const indexes = decoded.batch.columns.get('ingest_index')
  const accepted = indexes?.kind === 'int32' ? [...indexes.values] : []
  const all = [...accepted, ...decoded.rejected.map((one) => one.index)]
  expect(all.sort((a, b) => a - b)).toEqual(events.map((event) => event.index))
  for (const [name, column] of decoded.batch.columns) {
    expect([name, lengthOf(column)]).toEqual([name, decoded.batch.rows])
  }
  return decoded
}

/** Members of `data` near the edge of what the contract takes. */
const member = fc.tuple(
  fc.constantFrom('n', 'price', 'text', 'at', 'key', '__proto__', 'constructor', 'x'),
  fc.oneof(
    fc.json(),
    fc.constantFrom('1e400', '-0', '1E3', '0.10', '12345678901234567890', '"\\ud800"', '"\\u0000"'),
    fc.constantFrom('"2019-01-01T00:00:00Z"', 'null', '{"a":1}', '[]', '7', '"k"'),
  ),
)
const event = fc
  .array(member, { maxLength: 6 })
  .map(
    (members) =>
      `{"specversion":"1.0","id":"1","source":"/s","type":"test.happened","data":{${[
        '"at":"2019-01-01T00:00:00Z"',
        '"key":"k"',
        ...members.map(([name, value]) => `${JSON.stringify(name)}:${value}`),
      ].join(',')}}}`,
  )

describe('every received event ends as exactly one accepted row or one rejected row', () => {
  it('whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        judge(bytes)
      }),
      { numRuns: 1_000 },
    )
  })

  it('whatever the JSON', () => {
    fc.assert(
      fc.property(fc.array(fc.json({ maxDepth: 4 })), (members) => {
        judge(Buffer.from(`[${members.join(',')}]`))
      }),
    )
  })

  it('whatever a nearly valid event holds, broken at any byte', () => {
    let accepted = 0
    fc.assert(
      fc.property(
        fc.array(event, { minLength: 1, maxLength: 4 }),
        fc.nat(),
        fc.nat(255),
        fc.boolean(),
        (events, at, byte, isBroken) => {
          const bytes = Buffer.from(`[${events.join(',')}]`)
          if (isBroken) bytes[at % bytes.length] = byte
          accepted += judge(bytes).batch.rows
        },
      ),
      { numRuns: 2_000 },
    )
    expect(accepted).toBeGreaterThan(100)
  })
})
