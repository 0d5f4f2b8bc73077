import type { DataFile, PartitionValue } from './data-file.ts'
import type { DeleteFile } from './delete-file.ts'
import type { ManifestFile } from './manifest.ts'
import { type PartitionedFile, partitionOf, storedPartition } from './manifest-partition.ts'
import { type PartitionColumn, partitionKey } from './manifest-schema.ts'
import type { FileMetrics } from './parquet/metrics.ts'
import { UNSORTED_ID } from './sort-order.ts'
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
  /** Of a file that deletes by position: the only data file that it deletes from. */
  readonly referencedDataFile?: string | null
}

/** The only format that Weir writes and reads. */
export const PARQUET = 'PARQUET'

/** What a file of a manifest holds. */
export const CONTENT = { data: 0, positionDeletes: 1, equalityDeletes: 2 } as const

/** What became of a file in the snapshot that its manifest was written for. */
export const STATUS = { existing: 0, added: 1, deleted: 2 } as const

/**
 * The entries of a manifest that its snapshot still has, with what they have only by standing in it, so that they can
 * be moved to another; and nothing left undefined.
 */
export function liveEntries(
  records: readonly EntryRecord[],
  manifest: ManifestFile,
): readonly EntryRecord[] {
  return records
    .filter(({ status }) => status !== STATUS.deleted)
    .map((entry) => inherited(entry, manifest))
}

function inherited(entry: EntryRecord, manifest: ManifestFile): EntryRecord {
  // Tables that were of format version 1 have number 0 there, and no numbers in their entries.
  const inherits = entry.status === STATUS.added || manifest.sequenceNumber === 0n
  const own = inherits ? manifest.sequenceNumber : null
  const { dataFile } = entry
  return {
    status: entry.status,
    snapshotId: entry.snapshotId ?? manifest.addedSnapshotId,
    sequenceNumber: entry.sequenceNumber ?? own,
    fileSequenceNumber: entry.fileSequenceNumber ?? own,
    dataFile: {
      content: dataFile.content ?? 0,
      filePath: dataFile.filePath,
      fileFormat: dataFile.fileFormat,
      partition: dataFile.partition,
      recordCount: dataFile.recordCount,
      fileSizeInBytes: dataFile.fileSizeInBytes,
      columnSizes: dataFile.columnSizes ?? null,
      valueCounts: dataFile.valueCounts ?? null,
      nullValueCounts: dataFile.nullValueCounts ?? null,
      nanValueCounts: dataFile.nanValueCounts ?? null,
      lowerBounds: dataFile.lowerBounds ?? null,
      upperBounds: dataFile.upperBounds ?? null,
      keyMetadata: dataFile.keyMetadata ?? null,
      splitOffsets: dataFile.splitOffsets ?? null,
      equalityIds: dataFile.equalityIds ?? null,
      sortOrderId: dataFile.sortOrderId ?? null,
      referencedDataFile: dataFile.referencedDataFile ?? null,
    },
  }
}

/** The smallest of the files; nothing if there are none. */
export function smallestSequenceNumber(entries: readonly EntryRecord[]): {
  minSequenceNumber?: bigint
} {
  const numbers = entries.flatMap(({ sequenceNumber }) => sequenceNumber ?? [])
  if (numbers.length === 0) return {}
  return { minSequenceNumber: numbers.reduce((least, one) => (one < least ? one : least)) }
}

/** The rows of the files together. */
export function rowsOf(entries: readonly EntryRecord[]): bigint {
  return entries.reduce((rows, { dataFile }) => rows + dataFile.recordCount, 0n)
}

/** A file as Avro takes it. */
export function storedFile(file: DataFile, columns: readonly PartitionColumn[]): FileRecord {
  return {
    ...storedMetrics(file, columns),
    content: CONTENT.data,
    equalityIds: null,
    sortOrderId: file.sortOrderId ?? UNSORTED_ID,
  }
}

/** A file of row deletes as Avro takes it. */
export function storedDeletes(file: DeleteFile, columns: readonly PartitionColumn[]): FileRecord {
  const isByPosition = file.kind === 'positions'
  return {
    ...storedMetrics(file, columns),
    content: isByPosition ? CONTENT.positionDeletes : CONTENT.equalityDeletes,
    equalityIds: file.equalityIds ?? null,
    // Of deletes by position the order is prescribed, and named by nobody.
    sortOrderId: isByPosition ? null : UNSORTED_ID,
    referencedDataFile: file.dataFile ?? null,
  }
}

function storedMetrics(
  file: DataFile | DeleteFile,
  columns: readonly PartitionColumn[],
): FileRecord {
  return {
    filePath: file.path,
    fileFormat: PARQUET,
    partition: storedPartitions(columns, file),
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
  }
}

/** The partition values of a file as Avro takes them. */
export function storedPartitions(columns: readonly PartitionColumn[], file: PartitionedFile) {
  return Object.fromEntries(
    columns.map((column) => [partitionKey(column.fieldId), storedPartition(column, file)]),
  )
}

/** Where a file belongs, by the names that the spec has. */
export function plainPartition(stored: FileRecord, spec: PartitionSpecJson): PartitionedFile {
  const partition: Record<string, PartitionValue> = {}
  for (const field of spec.fields) {
    partition[field.name] = partitionOf(stored.partition[partitionKey(field['field-id'])])
  }
  return { path: stored.filePath, partition }
}

/** The inverse of {@link storedFile}. */
export function plainFile(stored: FileRecord, spec: PartitionSpecJson): DataFile {
  return {
    ...plainPartition(stored, spec),
    ...plainMetrics(stored),
    ...(stored.sortOrderId && { sortOrderId: stored.sortOrderId }),
  }
}

/** The inverse of {@link storedDeletes}. */
export function plainDeletes(stored: FileRecord, spec: PartitionSpecJson): DeleteFile {
  const { referencedDataFile: dataFile, equalityIds } = stored
  const isByPosition = stored.content === CONTENT.positionDeletes
  return {
    ...plainPartition(stored, spec),
    ...plainMetrics(stored),
    kind: isByPosition ? 'positions' : 'equality',
    specId: spec['spec-id'],
    ...(typeof dataFile === 'string' && { dataFile }),
    ...(!isByPosition && equalityIds && { equalityIds }),
  }
}

function plainMetrics(stored: FileRecord): FileMetrics & { readonly sizeBytes: number } {
  return {
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
