import { describe, expect, it } from 'vitest'
import { type Column, type ColumnBatch, utf8Column } from '#lib/domain/kernel/columns.ts'
import { partitionRows } from '#lib/domain/lake/partition.ts'
import type { PartitionField, TableSchema } from '#lib/domain/lake/schema.ts'

const SCHEMA: TableSchema = {
  fields: [
    { id: 1, name: 'at', required: false, type: 'timestamptz' },
    { id: 2, name: 'zone', required: false, type: 'string' },
    { id: 3, name: 'fare', required: true, type: 'decimal(9, 2)' },
    { id: 4, name: 'score', required: true, type: 'double' },
  ],
}
const DAY: PartitionField = { sourceId: 1, fieldId: 1000, name: 'at_day', transform: 'day' }
const ZONE: PartitionField = { sourceId: 2, fieldId: 1001, name: 'zone', transform: 'identity' }

function batch(rows: readonly [at: bigint | null, zone: string | null][]): ColumnBatch {
  return {
    rows: rows.length,
    columns: new Map<string, Column>([
      [
        'at',
        {
          kind: 'int64',
          values: BigInt64Array.from(rows, ([at]) => at ?? 0n),
          nulls: Uint8Array.from(rows, ([at]) => (at === null ? 1 : 0)),
        },
      ],
      ['zone', utf8Column(rows.map(([, zone]) => zone))],
    ]),
  }
}

describe('partitioning rows', () => {
  it('gathers the rows of a day, also before the epoch, in the order of the paths', () => {
    const rows = batch([
      [86_400_000_000n, 'x'],
      [86_399_999_999n, 'x'],
      [-1n, 'x'],
      [0n, 'x'],
      [-86_400_000_000n, 'x'],
      [null, 'x'],
    ])

    expect(partitionRows(SCHEMA, { fields: [DAY] }, rows)).toEqual([
      { partition: { at_day: -1 }, path: 'at_day=1969-12-31', rows: [2, 4] },
      { partition: { at_day: 0 }, path: 'at_day=1970-01-01', rows: [1, 3] },
      { partition: { at_day: 1 }, path: 'at_day=1970-01-02', rows: [0] },
      { partition: { at_day: null }, path: 'at_day=null', rows: [5] },
    ])
  })

  it('keeps a missing value and the text "null" apart, and encodes what a path cannot hold', () => {
    const rows = batch([
      [0n, 'null'],
      [0n, null],
      [0n, 'a/b=ü'],
    ])

    const found = partitionRows(SCHEMA, { fields: [DAY, ZONE] }, rows)

    expect(found.map(({ partition, path }) => [partition.zone, path])).toEqual([
      ['a/b=ü', 'at_day=1970-01-01/zone=a%2Fb%3D%C3%BC'],
      ['null', 'at_day=1970-01-01/zone=null'],
      [null, 'at_day=1970-01-01/zone=null'],
    ])
  })

  it('leaves a table without partitions whole', () => {
    const rows = batch([
      [0n, 'a'],
      [1n, 'b'],
    ])

    expect(partitionRows(SCHEMA, { fields: [] }, rows)).toEqual([
      { partition: {}, path: '', rows: [0, 1] },
    ])
    expect(partitionRows(SCHEMA, { fields: [] }, batch([]))).toEqual([])
  })

  it('refuses what Iceberg has no sensible partition for', () => {
    const refused = expect.objectContaining({ code: 'lake.unsupportedPartition' })
    const by = (sourceId: number, transform: 'day' | 'identity') => () =>
      partitionRows(
        SCHEMA,
        { fields: [{ sourceId, fieldId: 1000, name: 'p', transform }] },
        batch([[0n, 'a']]),
      )

    expect(by(2, 'day')).toThrow(refused)
    expect(by(4, 'identity')).toThrow(refused)
  })
})
