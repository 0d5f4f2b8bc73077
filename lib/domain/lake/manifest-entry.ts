import type { DataFile, PartitionValue } from './data-file.ts'
import { partitionOf, storedPartition } from './manifest-partition.ts'
import { type PartitionColumn, partitionKey } from './manifest-schema.ts'
import type { PartitionSpecJson } from './table-metadata.ts'

type Pairs<Value> = readonly { readonly key: number; readonly value: Value }[] | null | undefined

/** A manifest entry in code names, as Avro gives and takes it. */
export interface EntryRecord {
  readonly status: number
  readonly snapshotId?: bigint | null
  /** Of the data: what a file that deletes rows is compared with. */
  readonly sequenceNumber?: bigint | null
  /** Of the file. */
  readonly fileSequenceNumber?: bigint | null
  readonly dataFile: FileRecord
}

export interface FileRecord {
  readonly content?: number
  readonly filePath: string
  readonly fileFormat: string
  readonly partition: Readonly<Record<string, unknown>>
  readonly recordCount: bigint
  readonly fileSizeInBytes: bigint
  readonly columnSizes?: Pairs<bigint>
  readonly valueCounts?: Pairs<bigint>
  readonly nullValueCounts?: Pairs<bigint>
  readonly nanValueCounts?: Pairs<bigint>
  readonly lowerBounds?: Pairs<Uint8Array>
  readonly upperBounds?: Pairs<Uint8Array>
  readonly keyMetadata?: Uint8Array | null
  readonly splitOffsets?: readonly bigint[] | null
  readonly equalityIds?: readonly number[] | null
  readonly sortOrderId?: number | null
}

/** What became of a file in the snapshot that its manifest was written for. */
export const STATUS = { existing: 0, added: 1, deleted: 2 } as const

/** A file as Avro takes it. */
export function storedFile(file: DataFile, columns: readonly PartitionColumn[]): FileRecord {
  return {
    content: 0,
    filePath: file.path,
    fileFormat: 'PARQUET',
    partition: Object.fromEntries(
      columns.map((column) => [partitionKey(column.fieldId), storedPartition(column, file)]),
    ),
    recordCount: BigInt(file.recordCount),
    fileSizeInBytes: BigInt(file.sizeBytes),
    columnSizes: pairs(file.columnSizes, BigInt),
    valueCounts: pairs(file.valueCounts, BigInt),
    nullValueCounts: pairs(file.nullCounts, BigInt),
    nanValueCounts: pairs(file.nanCounts, BigInt),
    lowerBounds: pairs(file.lowerBounds, fromBase64),
    upperBounds: pairs(file.upperBounds, fromBase64),
    keyMetadata: null,
    splitOffsets: file.splitOffsets.map(BigInt),
    equalityIds: null,
    sortOrderId: 0,
  }
}

/** The inverse of {@link storedFile}. */
export function plainFile(stored: FileRecord, spec: PartitionSpecJson): DataFile {
  const partition: Record<string, PartitionValue> = {}
  for (const field of spec.fields) {
    partition[field.name] = partitionOf(stored.partition[partitionKey(field['field-id'])])
  }
  return {
    path: stored.filePath,
    partition,
    recordCount: Number(stored.recordCount),
    sizeBytes: Number(stored.fileSizeInBytes),
    columnSizes: byField(stored.columnSizes, Number),
    valueCounts: byField(stored.valueCounts, Number),
    nullCounts: byField(stored.nullValueCounts, Number),
    nanCounts: byField(stored.nanValueCounts, Number),
    lowerBounds: byField(stored.lowerBounds, toBase64),
    upperBounds: byField(stored.upperBounds, toBase64),
    splitOffsets: (stored.splitOffsets ?? []).map(Number),
  }
}

function pairs<From, To>(values: Readonly<Record<string, From>>, convert: (value: From) => To) {
  return Object.entries(values).map(([key, value]) => ({ key: Number(key), value: convert(value) }))
}

function byField<From, To>(stored: Pairs<From>, convert: (value: From) => To): Record<string, To> {
  return Object.fromEntries((stored ?? []).map(({ key, value }) => [String(key), convert(value)]))
}

const fromBase64 = (text: string): Buffer => Buffer.from(text, 'base64')
const toBase64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')
