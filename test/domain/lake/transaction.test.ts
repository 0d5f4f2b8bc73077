import { describe, expect, it } from 'vitest'
import { newTableMetadata } from '#lib/domain/lake/new-table.ts'
import type { SnapshotJson, TableMetadata } from '#lib/domain/lake/table-metadata.ts'
import { nextMetadata, type Update } from '#lib/domain/lake/transaction.ts'
import { BY_DAY, LOCATION, TRIPS } from './lake-fixture.ts'

const EMPTY = newTableMetadata({ location: LOCATION, schema: TRIPS, spec: BY_DAY }, 'uuid', 100)

function snapshot(id: bigint, sequence: number): SnapshotJson {
  return {
    'snapshot-id': id,
    'sequence-number': sequence,
    'timestamp-ms': 200,
    'manifest-list': `s3://list-${id}`,
    summary: { operation: 'append' },
  }
}

function next(base: TableMetadata, updates: readonly Update[]) {
  return nextMetadata(base, 's3://base', updates, 200)
}

const appended = (id: bigint, sequence: number): readonly Update[] => [
  { kind: 'addSnapshot', snapshot: snapshot(id, sequence) },
  { kind: 'setCurrentSnapshot', snapshotId: id },
]

describe('the next metadata', () => {
  it('leaves its base as it is and remembers where that stands', () => {
    const before = structuredClone(EMPTY)

    const metadata = next(EMPTY, appended(7n, 1))

    expect(EMPTY).toEqual(before)
    expect(metadata).toMatchObject({
      'current-snapshot-id': 7n,
      'last-sequence-number': 1,
      'last-updated-ms': 200,
      'metadata-log': [{ 'timestamp-ms': 100, 'metadata-file': 's3://base' }],
      'snapshot-log': [{ 'timestamp-ms': 200, 'snapshot-id': 7n }],
    })
  })

  it('can stand at an earlier snapshot with other properties, in one step', () => {
    const two = next(next(EMPTY, appended(7n, 1)), appended(8n, 2))

    const back = next(two, [
      { kind: 'setCurrentSnapshot', snapshotId: 7n },
      { kind: 'setProperties', properties: { fence: '1' } },
    ])

    expect(back['current-snapshot-id']).toBe(7n)
    expect(back.snapshots).toHaveLength(2)
    expect(back.properties).toEqual({ ...two.properties, fence: '1' })
  })

  it('keeps other branches, tags and unknown keys', () => {
    const base = {
      ...EMPTY,
      refs: { audit: { 'snapshot-id': 1n, type: 'tag' as const } },
      'statistics-of-others': [1],
    }

    expect(next(base, appended(7n, 1))).toMatchObject({
      refs: { audit: { 'snapshot-id': 1n, type: 'tag' }, main: { 'snapshot-id': 7n } },
      'statistics-of-others': [1],
    })
  })

  it.each<[string, readonly Update[]]>([
    ['id', appended(7n, 2)],
    ['sequence number', appended(8n, 1)],
  ])('refuses a snapshot %s twice', (_, updates) => {
    expect(() => next(next(EMPTY, appended(7n, 1)), updates)).toThrow(
      expect.objectContaining({ code: 'lake.requirementFailed', retryable: true }),
    )
  })
})
