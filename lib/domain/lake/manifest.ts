import { PlatformError } from '../kernel/errors.ts'
import { decodeAvro, encodeAvro } from './avro.ts'
import type { DataFile } from './data-file.ts'
import type { DeleteFile } from './delete-file.ts'
import {
  type EntryRecord,
  type FileRecord,
  liveEntries,
  plainFile,
  plainPartition,
  rowsOf,
  STATUS,
  smallestSequenceNumber,
  storedDeletes,
  storedFile,
  storedPartitions,
} from './manifest-entry.ts'
import { type PartitionSummary, summarizePartitions } from './manifest-partition.ts'
import {
  codeNames,
  MANIFEST_FILE,
  type ManifestContent,
  manifestEntry,
  type PartitionColumn,
  partitionRecord,
} from './manifest-schema.ts'
import { partitionType } from './partition-type.ts'
import { isPrimitiveType } from './schema.ts'
import {
  currentSchemaJson,
  type PartitionSpecJson,
  partitionSpec,
  type SchemaJson,
  type TableMetadata,
  tableSchema,
} from './table-metadata.ts'
import { isTransform, transformedType } from './transform.ts'

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

/**
 * The line of a manifest that is not in any list yet. The commit that lists it gives it its sequence number, which is
 * also the smallest one unless the manifest holds older files: so one manifest serves every attempt of a commit.
 */
export type NewManifest = Omit<ManifestFile, 'sequenceNumber' | 'minSequenceNumber'> & {
  readonly minSequenceNumber?: bigint
}

/** The line as the commit with this sequence number lists it. */
export function numbered(manifest: NewManifest, sequenceNumber: bigint): ManifestFile {
  return {
    ...manifest,
    sequenceNumber,
    minSequenceNumber: manifest.minSequenceNumber ?? sequenceNumber,
  }
}

/** Whether the snapshot has any file of the manifest. */
export function isLive(manifest: ManifestFile): boolean {
  return manifest.addedFilesCount + manifest.existingFilesCount > 0
}

/** A file in a manifest that is part of the snapshot. */
export interface LiveEntry {
  readonly snapshotId: bigint
  readonly sequenceNumber: bigint
  readonly file: DataFile
}

/** What a manifest is written for: the table's current schema, its default spec. */
export interface ManifestShape {
  readonly schema: SchemaJson
  readonly spec: PartitionSpecJson
  readonly columns: readonly PartitionColumn[]
}

/** Whether a manifest can be written for files of this spec: not if its columns or transforms are of others' making. */
export function canWrite(metadata: TableMetadata, spec: PartitionSpecJson): boolean {
  const { fields } = currentSchemaJson(metadata)
  return spec.fields.every(({ transform, 'source-id': sourceId }) => {
    const type = fields.find(({ id }) => id === sourceId)?.type
    const isKnown = isTransform(transform) && isPrimitiveType(type)
    return isKnown && transformedType(transform, type) !== undefined
  })
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

/** A manifest of added files, which inherit their sequence number from its line. */
export function encodeAddedManifest(
  shape: ManifestShape,
  snapshotId: bigint,
  files: readonly DataFile[],
): EncodedManifest {
  return added(
    shape,
    snapshotId,
    files.map((file) => storedFile(file, shape.columns)),
    'data',
  )
}

/** As {@link encodeAddedManifest}, of files that delete rows. */
export function encodeAddedDeletes(
  shape: ManifestShape,
  snapshotId: bigint,
  files: readonly DeleteFile[],
): EncodedManifest {
  return added(
    shape,
    snapshotId,
    files.map((file) => storedDeletes(file, shape.columns)),
    'deletes',
  )
}

function added(
  shape: ManifestShape,
  snapshotId: bigint,
  files: readonly FileRecord[],
  content: ManifestContent,
): EncodedManifest {
  const entries = files.map((dataFile) => ({
    status: STATUS.added,
    snapshotId,
    sequenceNumber: null,
    fileSequenceNumber: null,
    dataFile,
  }))
  return encoded(shape, snapshotId, entries, content, {
    addedFilesCount: files.length,
    addedRowsCount: rowsOf(entries),
  })
}

/** A manifest of files that earlier snapshots have added, each with the snapshot and the numbers that it came with. */
export function encodeExistingManifest(
  shape: ManifestShape,
  snapshotId: bigint,
  live: readonly EntryRecord[],
  content: ManifestContent,
): EncodedManifest {
  const entries = live.map(({ dataFile, ...entry }) => ({
    ...entry,
    status: STATUS.existing,
    // As this spec has them now: another writer, or a narrower type of the column, may have stored them otherwise.
    dataFile: {
      ...dataFile,
      partition: storedPartitions(shape.columns, plainPartition(dataFile, shape.spec)),
    },
  }))
  return encoded(shape, snapshotId, entries, content, {
    existingFilesCount: entries.length,
    existingRowsCount: rowsOf(entries),
    ...smallestSequenceNumber(entries),
  })
}

export interface EncodedManifest {
  readonly bytes: Uint8Array
  readonly line: Omit<NewManifest, 'manifestPath'>
}

function encoded(
  { schema, spec, columns }: ManifestShape,
  snapshotId: bigint,
  entries: readonly EntryRecord[],
  content: ManifestContent,
  counts: Partial<NewManifest>,
): EncodedManifest {
  const schemaOfEntry = manifestEntry(partitionRecord(columns), content)
  const bytes = encodeAvro(schemaOfEntry, codeNames, entries, {
    schema: JSON.stringify(schema),
    'schema-id': String(schema['schema-id']),
    'partition-spec': JSON.stringify(spec.fields),
    'partition-spec-id': String(spec['spec-id']),
    'format-version': '2',
    content,
  })
  return {
    bytes,
    line: {
      manifestLength: BigInt(bytes.length),
      partitionSpecId: spec['spec-id'],
      content: content === 'data' ? 0 : 1,
      addedSnapshotId: snapshotId,
      addedFilesCount: 0,
      existingFilesCount: 0,
      deletedFilesCount: 0,
      addedRowsCount: 0n,
      existingRowsCount: 0n,
      deletedRowsCount: 0n,
      partitions: summarizePartitions(
        columns,
        entries.map(({ dataFile }) => plainPartition(dataFile, spec)),
      ),
      keyMetadata: null,
      ...counts,
    },
  }
}

/** All entries of a manifest, as they stand there. */
export function decodeRecords(bytes: Uint8Array): readonly EntryRecord[] {
  return decodeAvro(bytes, codeNames).records as readonly EntryRecord[]
}

/** The entries of a manifest that its snapshot still has. */
export function decodeEntries(bytes: Uint8Array, manifest: ManifestFile): readonly EntryRecord[] {
  return liveEntries(decodeRecords(bytes), manifest)
}

/** The files of a manifest that its snapshot still has. Sequence numbers are inherited where they are absent. */
export function decodeManifest(
  bytes: Uint8Array,
  manifest: ManifestFile,
  spec: PartitionSpecJson,
): readonly LiveEntry[] {
  return decodeEntries(bytes, manifest).map(({ snapshotId, sequenceNumber, dataFile }) => ({
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
