import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import {
  encodeTableMetadata,
  parseTableMetadata,
  tableSchema,
} from '#lib/domain/lake/table-metadata.ts'

const bytes = (text: string) => new TextEncoder().encode(text)
const text = (encoded: Uint8Array) => new TextDecoder().decode(encoded)

/** As another engine may write it: small and large ids, keys of its own, numbers in its own spelling. */
const FOREIGN =
  '{"properties":{"a":"b"},"snapshots":[{"snapshot-id":7,"manifest-list":"s3://x"},{"snapshot-id":9223372036854775807,"parent-snapshot-id":7,"statistics":{"ratio":1.50,"big":12345678901234567890}}],"refs":{"main":{"snapshot-id":9223372036854775807,"type":"branch"},"audit":{"snapshot-id":7,"type":"tag","max-ref-age-ms":5}},"snapshot-log":[],"metadata-log":[],"format-version":2,"engine.extra":{"when":1e3},"current-snapshot-id":9223372036854775807}'

describe('table metadata', () => {
  it('goes through code without losing a digit or a key of others', () => {
    expect(text(encodeTableMetadata(parseTableMetadata(bytes(FOREIGN))))).toBe(FOREIGN)
  })

  it('has every snapshot id as a bigint, however small', () => {
    const metadata = parseTableMetadata(bytes(FOREIGN))

    expect(metadata.snapshots.map((snapshot) => snapshot['snapshot-id'])).toEqual([
      7n,
      2n ** 63n - 1n,
    ])
    expect(metadata['current-snapshot-id']).toBe(2n ** 63n - 1n)
    expect(metadata.refs.audit!['snapshot-id']).toBe(7n)
  })

  it.each(['-1', 'null'])('reads a current snapshot of %s as none', (id) => {
    const metadata = parseTableMetadata(bytes(`{"format-version":2,"current-snapshot-id":${id}}`))

    expect(metadata['current-snapshot-id']).toBeUndefined()
    expect(text(encodeTableMetadata(metadata))).not.toContain('current-snapshot-id')
  })

  it('may be gzipped', () => {
    const plain = parseTableMetadata(bytes(FOREIGN))

    expect(parseTableMetadata(gzipSync(bytes(FOREIGN)))).toEqual(plain)
  })

  it.each([1, 3])('of format version %i is refused: its rules are others', (version) => {
    expect(() => parseTableMetadata(bytes(`{"format-version":${version}}`))).toThrow(
      expect.objectContaining({ code: 'lake.unsupportedTable' }),
    )
  })

  it('gives a schema only if each column is of a type that Weir writes', () => {
    const schema = (type: unknown) =>
      tableSchema({ fields: [{ id: 1, name: 'a', required: true, type }] })

    expect(schema('decimal(9,2)').fields[0]!.type).toBe('decimal(9, 2)')
    for (const type of ['uuid', 'decimal(38, 2)', { type: 'list' }]) {
      expect(() => schema(type)).toThrow(expect.objectContaining({ code: 'lake.unsupportedTable' }))
    }
  })
})
