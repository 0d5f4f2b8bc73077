import { describe, expect, it } from 'vitest'
import { type AvroSchema, decodeAvro, encodeAvro } from '#lib/domain/lake/avro.ts'
import type { DataFile } from '#lib/domain/lake/data-file.ts'
import {
  decodeManifest,
  decodeManifestList,
  encodeAddedManifest,
  encodeManifestList,
  type ManifestFile,
  type ManifestShape,
  manifestShape,
} from '#lib/domain/lake/manifest.ts'
import { codeNames } from '#lib/domain/lake/manifest-schema.ts'
import { newTableMetadata } from '#lib/domain/lake/new-table.ts'
import type { IcebergType } from '#lib/domain/lake/schema.ts'
import { specJson } from '#lib/domain/lake/table-metadata.ts'

const SNAPSHOT = 2n ** 62n + 1n

function shapeFor(type: IcebergType): ManifestShape {
  const metadata = newTableMetadata(
    {
      location: 's3://lake/t',
      schema: { fields: [{ id: 1, name: 'value', required: false, type }] },
      spec: { fields: [{ sourceId: 1, fieldId: 1000, name: 'part', transform: 'identity' }] },
    },
    'uuid',
    0,
  )
  return manifestShape(metadata, specJson(metadata, 0))
}

function file(part: DataFile['partition'][string], path = 's3://lake/t/a.parquet'): DataFile {
  return {
    path,
    partition: { part },
    sizeBytes: 1234,
    recordCount: 7,
    columnSizes: { 1: 100 },
    valueCounts: { 1: 7 },
    nullCounts: { 1: 0 },
    nanCounts: {},
    lowerBounds: { 1: 'AAAA' },
    upperBounds: { 1: '/w==' },
    splitOffsets: [4],
  }
}

describe('a manifest', () => {
  it.each<[IcebergType, readonly DataFile['partition'][string][]]>([
    ['string', ['a', 'ü', null]],
    ['int', [-5, 0, null]],
    ['long', ['-9223372036854775808', '9223372036854775807', null]],
    ['boolean', [true, false, null]],
    ['date', [-1, 20_000, null]],
    ['timestamptz', ['-1', '1546300800000001', null]],
    ['double', [-1.5, 'NaN', '-Infinity', null]],
    ['decimal(9, 2)', ['-999999999', '999999999', null]],
    ['decimal(18, 6)', ['-999999999999999999', '1', null]],
  ])('gives back files with %s partitions as they were', (type, values) => {
    const shape = shapeFor(type)
    const files = values.map((value, at) => file(value, `s3://lake/t/${at}.parquet`))

    const { bytes, line } = encodeAddedManifest(shape, SNAPSHOT, files)
    const manifest: ManifestFile = {
      manifestPath: 's3://lake/t/m.avro',
      ...line,
      sequenceNumber: 9n,
      minSequenceNumber: 9n,
    }
    const entries = decodeManifest(bytes, manifest, shape.spec)

    expect(entries.map((entry) => entry.file)).toEqual(files)
    expect(entries[0]).toMatchObject({ snapshotId: SNAPSHOT, sequenceNumber: 9n })
    expect(line.partitions).toHaveLength(1)
    expect(line.partitions![0]!.containsNull).toBe(true)
  })

  it('sums up its partitions by value, not by text', () => {
    const { line } = encodeAddedManifest(shapeFor('long'), SNAPSHOT, [
      file('9'),
      file('10'),
      file('-2'),
    ])

    const [summary] = line.partitions!
    expect(Buffer.from(summary!.lowerBound!).readBigInt64LE()).toBe(-2n)
    expect(Buffer.from(summary!.upperBound!).readBigInt64LE()).toBe(10n)
    expect(line).toMatchObject({ addedFilesCount: 3, addedRowsCount: 21n })
  })

  it('sums up doubles without those that are no number, and says that there are some', () => {
    const summaryOf = (...values: DataFile['partition'][string][]) =>
      encodeAddedManifest(
        shapeFor('double'),
        SNAPSHOT,
        values.map((value) => file(value)),
      ).line.partitions![0]!

    const some = summaryOf('NaN', 'Infinity', -2)
    expect(some.containsNan).toBe(true)
    expect(Buffer.from(some.lowerBound!).readDoubleLE()).toBe(-2)
    expect(Buffer.from(some.upperBound!).readDoubleLE()).toBe(Infinity)
    expect(summaryOf('NaN')).toEqual({
      containsNull: false,
      containsNan: true,
      lowerBound: null,
      upperBound: null,
    })
  })

  it('has the same bytes each time, and a field id on every field', () => {
    const [once, twice] = [1, 2].map(() =>
      encodeAddedManifest(shapeFor('date'), SNAPSHOT, [file(3)]),
    )

    expect(Buffer.compare(once!.bytes, twice!.bytes)).toBe(0)
    const schema = JSON.parse(decodeAvro(once!.bytes, codeNames).metadata['avro.schema']!)
    expect(fieldsWithoutId(schema)).toEqual([])
  })
})

describe('a manifest list', () => {
  it('gives back what it was given, also with no manifest at all', () => {
    const { line } = encodeAddedManifest(shapeFor('string'), SNAPSHOT, [file('a')])
    const manifest = { manifestPath: 's3://m', ...line, sequenceNumber: 1n, minSequenceNumber: 1n }
    const snapshot = { snapshotId: SNAPSHOT, sequenceNumber: 1 }

    expect(decodeManifestList(encodeManifestList([manifest], snapshot))).toEqual([manifest])
    expect(decodeManifestList(encodeManifestList([], snapshot))).toEqual([])
  })

  it('of another writer is read by field ids, whatever it calls its fields', () => {
    const foreign: AvroSchema = {
      type: 'record',
      name: 'manifest_file',
      fields: [
        { name: 'manifest_path', type: 'string', 'field-id': 500 },
        { name: 'manifest_length', type: 'long', 'field-id': 501 },
        { name: 'partition_spec_id', type: 'int', 'field-id': 502 },
        { name: 'content', type: 'int', 'field-id': 517 },
        { name: 'sequence_number', type: 'long', 'field-id': 515 },
        { name: 'min_sequence_number', type: 'long', 'field-id': 516 },
        { name: 'added_snapshot_id', type: 'long', 'field-id': 503 },
        { name: 'added_data_files_count', type: 'int', 'field-id': 504 },
        { name: 'existing_data_files_count', type: 'int', 'field-id': 505 },
        { name: 'deleted_data_files_count', type: 'int', 'field-id': 506 },
        { name: 'added_rows_count', type: 'long', 'field-id': 512 },
        { name: 'existing_rows_count', type: 'long', 'field-id': 513 },
        { name: 'deleted_rows_count', type: 'long', 'field-id': 514 },
        { name: 'first_row_id', type: ['null', 'long'], default: null, 'field-id': 520 },
      ],
    }
    const { line } = encodeAddedManifest(shapeFor('string'), SNAPSHOT, [file('a')])
    const manifest = { manifestPath: 's3://m', ...line, sequenceNumber: 1n, minSequenceNumber: 1n }
    const bytes = encodeAvro(foreign, codeNames, [{ ...manifest, first_row_id: 5n }], {})

    expect(decodeManifestList(bytes)).toEqual([
      { ...manifest, partitions: null, keyMetadata: null, first_row_id: 5n },
    ])
  })

  it('of format version 1 is refused', () => {
    const schema: AvroSchema = {
      type: 'record',
      name: 'manifest_file',
      fields: [{ name: 'manifest_path', type: 'string', 'field-id': 500 }],
    }

    const bytes = encodeAvro(schema, codeNames, [{ manifestPath: 's3://m' }], {})

    expect(() => decodeManifestList(bytes)).toThrow(
      expect.objectContaining({ code: 'lake.unsupportedTable' }),
    )
  })
})

function fieldsWithoutId(schema: unknown): readonly string[] {
  if (typeof schema !== 'object' || schema === null) return []
  const { fields } = schema as { fields?: { name: string; 'field-id'?: number }[] }
  const here = (fields ?? []).filter((field) => field['field-id'] === undefined)
  return [...here.map(({ name }) => name), ...Object.values(schema).flatMap(fieldsWithoutId)]
}
