import { PlatformError } from '../kernel/errors.ts'
import { decodeAvro, encodeAvro } from './avro.ts'
import type { DataFile, PartitionValue } from './data-file.ts'
import {
  type PartitionSummary,
  partitionOf,
  storedPartition,
  summarizePartitions,
} from './manifest-partition.ts'
import {
  codeNames,
  MANIFEST_FILE,
  manifestEntry,
  type PartitionColumn,
  partitionKey,
} from './manifest-schema.ts'
import { partitionType } from './schema.ts'
import {
  currentSchemaJson,
  type PartitionSpecJson,
  partitionSpec,
  type SchemaJson,
  type TableMetadata,
  tableSchema,
} from './table-metadata.ts'

/** A manifest as its list names it. */
export interface ManifestFile {
  readonly manifestPath: string
  readonly manifestLength: bigint
  readonly partitionSpecId: number
  /** Data files, or files that delete rows. */
  readonly content: 0 | 1
  readonly sequenceNumber: bigint
  readonly minSequenceNumber: bigint
  readonly addedSnapshotId: bigint
  readonly addedFilesCount: number
  readonly existingFilesCount: number
  readonly deletedFilesCount: number
  readonly addedRowsCount: bigint
  readonly existingRowsCount: bigint
  readonly deletedRowsCount: bigint
  readonly partitions: readonly PartitionSummary[] | null
  readonly keyMetadata: Uint8Array | null
}

/** A file in a manifest that is part of the snapshot. */
export interface LiveEntry {
  readonly snapshotId: bigint
  readonly sequenceNumber: bigint
  readonly file: DataFile
}

type Pairs<Value> = readonly { readonly key: number; readonly value: Value }[] | null | undefined

/** A manifest entry in code names, as Avro gives it. */
interface EntryRecord {
  readonly status: number
  readonly snapshotId?: bigint | null
  readonly sequenceNumber?: bigint | null
  readonly dataFile: {
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
    readonly splitOffsets?: readonly bigint[] | null
  }
}

const STATUS_ADDED = 1
const STATUS_DELETED = 2

/** What a manifest is written for: the table's current schema, its default spec. */
export interface ManifestShape {
  readonly schema: SchemaJson
  readonly spec: PartitionSpecJson
  readonly columns: readonly PartitionColumn[]
}

/** Throws `lake.unsupportedTable` if Weir cannot write the table's types or transforms. */
export function manifestShape(metadata: TableMetadata, spec: PartitionSpecJson): ManifestShape {
  const schema = currentSchemaJson(metadata)
  const typed = tableSchema(schema)
  const columns = partitionSpec(spec).fields.map((field) => ({
    fieldId: field.fieldId,
    name: field.name,
    type: partitionType(typed, field),
  }))
  return { schema, spec, columns }
}

/**
 * A manifest of added files, and its line for the manifest list but for the sequence number, which the files
 * inherit from that line: so one manifest serves every attempt of a commit.
 */
export function encodeAddedManifest(
  shape: ManifestShape,
  snapshotId: bigint,
  files: readonly DataFile[],
): {
  bytes: Uint8Array
  line: Omit<ManifestFile, 'manifestPath' | 'sequenceNumber' | 'minSequenceNumber'>
} {
  const { schema, spec, columns } = shape
  const entries = files.map((file) => ({
    status: STATUS_ADDED,
    snapshotId,
    sequenceNumber: null,
    fileSequenceNumber: null,
    dataFile: storedFile(file, columns),
  }))
  const bytes = encodeAvro(manifestEntry(columns), codeNames, entries, {
    schema: JSON.stringify(schema),
    'schema-id': String(schema['schema-id']),
    'partition-spec': JSON.stringify(spec.fields),
    'partition-spec-id': String(spec['spec-id']),
    'format-version': '2',
    content: 'data',
  })
  return {
    bytes,
    line: {
      manifestLength: BigInt(bytes.length),
      partitionSpecId: spec['spec-id'],
      content: 0,
      addedSnapshotId: snapshotId,
      addedFilesCount: files.length,
      existingFilesCount: 0,
      deletedFilesCount: 0,
      addedRowsCount: BigInt(files.reduce((rows, file) => rows + file.recordCount, 0)),
      existingRowsCount: 0n,
      deletedRowsCount: 0n,
      partitions: summarizePartitions(columns, files),
      keyMetadata: null,
    },
  }
}

/** The files of a manifest that its snapshot still has. Sequence numbers are inherited where they are absent. */
export function decodeManifest(
  bytes: Uint8Array,
  manifest: ManifestFile,
  spec: PartitionSpecJson,
): readonly LiveEntry[] {
  const records = decodeAvro(bytes, codeNames).records as readonly EntryRecord[]
  return records
    .filter(({ status }) => status !== STATUS_DELETED)
    .map(({ snapshotId, sequenceNumber, dataFile }) => ({
      snapshotId: snapshotId ?? manifest.addedSnapshotId,
      sequenceNumber: sequenceNumber ?? manifest.sequenceNumber,
      file: plainFile(dataFile, spec),
    }))
}

export function encodeManifestList(
  manifests: readonly ManifestFile[],
  snapshot: { snapshotId: bigint; parentSnapshotId?: bigint; sequenceNumber: number },
): Uint8Array {
  return encodeAvro(MANIFEST_FILE, codeNames, manifests, {
    'snapshot-id': String(snapshot.snapshotId),
    'parent-snapshot-id': String(snapshot.parentSnapshotId ?? 'null'),
    'sequence-number': String(snapshot.sequenceNumber),
    'format-version': '2',
  })
}

/** Throws `lake.unsupportedTable` for lists of format version 1, which lack what a writer has to carry on. */
export function decodeManifestList(bytes: Uint8Array): readonly ManifestFile[] {
  const records = decodeAvro(bytes, codeNames).records as readonly ManifestFile[]
  return records.map((record) => {
    if (record.sequenceNumber === undefined || record.addedFilesCount === undefined) {
      throw new PlatformError(
        'lake.unsupportedTable',
        'the table has manifests of format version 1: rewrite them first',
      )
    }
    return {
      ...record,
      partitions: record.partitions ?? null,
      keyMetadata: record.keyMetadata ?? null,
    }
  })
}

function storedFile(file: DataFile, columns: readonly PartitionColumn[]) {
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

function plainFile(stored: EntryRecord['dataFile'], spec: PartitionSpecJson): DataFile {
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
