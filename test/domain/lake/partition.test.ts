import { describe, expect, it } from 'vitest'
import { type Column, type ColumnBatch, utf8Column } from '#lib/domain/kernel/columns.ts'
import { partitionRows } from '#lib/domain/lake/partition.ts'
import type { PartitionField, TableSchema } from '#lib/domain/lake/schema.ts'
import type { Transform } from '#lib/domain/lake/transform.ts'

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

  it('parts by every transform, and names the paths as people read them', () => {
    const by = (transform: Transform, sourceId = 1) => ({
      sourceId,
      fieldId: 1000,
      name: 'p',
      transform,
    })
    const paths = (field: PartitionField, rows: readonly [bigint | null, string | null][]) =>
      partitionRows(SCHEMA, { fields: [field] }, batch(rows)).map(({ partition, path }) => [
        partition.p,
        path,
      ])
    const late = 1_510_871_468_000_001n // 2017-11-16T22:31:08
    const times: [bigint | null, string | null][] = [
      [late, 'a'],
      [-1n, 'b'],
    ]

    expect(paths(by('year'), times)).toEqual([
      [-1, 'p=1969'],
      [47, 'p=2017'],
    ])
    expect(paths(by('month'), times)).toEqual([
      [-1, 'p=1969-12'],
      [574, 'p=2017-11'],
    ])
    expect(paths(by('hour'), times)).toEqual([
      [-1, 'p=1969-12-31-23'],
      [419686, 'p=2017-11-16-22'],
    ])
    expect(paths(by('bucket[16]'), [[null, null], ...times])).toHaveLength(3)
    expect(paths(by('void'), times)).toEqual([[null, 'p=null']])
    expect(
      paths(by('truncate[2]', 2), [
        [0n, 'iceberg'],
        [0n, 'ice'],
        [0n, null],
        [0n, '🚕🚕🚕'],
      ]),
    ).toEqual([
      ['🚕🚕', `p=${encodeURIComponent('🚕🚕')}`],
      ['ic', 'p=ic'],
      [null, 'p=null'],
    ])
    expect(paths(by('bucket[4]', 2), [[0n, 'iceberg']])).toEqual([[1, 'p=1']])
  })

  it('keeps doubles apart that JSON does not have, and joins what a double cannot tell', () => {
    const field: PartitionField = { sourceId: 4, fieldId: 1000, name: 'p', transform: 'identity' }
    const values = [Number.NaN, 1.5, Number.NaN, -Infinity, 0, -0]
    const rows = {
      rows: values.length,
      columns: new Map<string, Column>([
        ['score', { kind: 'float64', values: Float64Array.from(values) }],
      ]),
    }

    const found = partitionRows(SCHEMA, { fields: [field] }, rows)

    expect(found.map((group) => [group.partition.p, group.rows])).toEqual([
      ['-Infinity', [3]],
      [0, [4, 5]],
      [1.5, [1]],
      ['NaN', [0, 2]],
    ])
  })

  it('refuses what Iceberg has no sensible partition for', () => {
    const refused = expect.objectContaining({ code: 'lake.unsupportedPartition' })
    const by = (sourceId: number, transform: Transform) => () =>
      partitionRows(
        SCHEMA,
        { fields: [{ sourceId, fieldId: 1000, name: 'p', transform }] },
        batch([[0n, 'a']]),
      )

    expect(by(2, 'day')).toThrow(refused)
    expect(by(4, 'bucket[4]')).toThrow(refused)
    expect(by(4, 'truncate[4]')).toThrow(refused)
    expect(by(3, 'hour')).toThrow(refused)
  })
})
