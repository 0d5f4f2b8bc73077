import { PlatformError } from '../kernel/errors.ts'
import { type AvroSchema, decodeAvro, encodeAvro } from './avro.ts'
import type { ManifestFile, NewManifest } from './manifest.ts'
import {
  type EntryRecord,
  liveEntries,
  rowsOf,
  STATUS,
  smallestSequenceNumber,
} from './manifest-entry.ts'
import { codeNames, manifestEntry, PARTITION_ID } from './manifest-schema.ts'

export interface RewrittenManifest {
  readonly bytes: Uint8Array
  readonly line: Omit<NewManifest, 'manifestPath'>
  /** The files that it no longer has, as they stood in it. */
  readonly removed: readonly EntryRecord[]
}

/**
 * The manifest without the files at these paths: they stand in it as deleted by the snapshot, all others as they were,
 * with the snapshot and the sequence numbers that they came with. Undefined if it has none of them. Partition values
 * go through unread, so it makes no difference which spec or engine the manifest is of.
 */
export function withoutFiles(
  bytes: Uint8Array,
  manifest: ManifestFile,
  snapshotId: bigint,
  paths: ReadonlySet<string>,
): RewrittenManifest | undefined {
  const { records, metadata } = decodeAvro(bytes, codeNames)
  const live = liveEntries(records as readonly EntryRecord[], manifest)
  const isRemoved = ({ dataFile }: EntryRecord) => paths.has(dataFile.filePath)
  const removed = live.filter(isRemoved)
  if (removed.length === 0) return undefined

  const content = manifest.content === 0 ? 'data' : 'deletes'
  const kept = live.filter((entry) => !isRemoved(entry))
  const { 'avro.schema': schema = '', 'avro.codec': _codec, ...header } = metadata
  const rewritten = encodeAvro(
    manifestEntry(partitionTypeOf(JSON.parse(schema)), content),
    codeNames,
    [
      ...removed.map((entry) => ({ ...entry, status: STATUS.deleted, snapshotId })),
      ...kept.map((entry) => ({ ...entry, status: STATUS.existing })),
    ],
    { ...header, 'format-version': '2', content },
  )
  return {
    bytes: rewritten,
    line: {
      manifestLength: BigInt(rewritten.length),
      partitionSpecId: manifest.partitionSpecId,
      content: manifest.content,
      addedSnapshotId: snapshotId,
      addedFilesCount: 0,
      existingFilesCount: kept.length,
      deletedFilesCount: removed.length,
      addedRowsCount: 0n,
      existingRowsCount: rowsOf(kept),
      deletedRowsCount: rowsOf(removed),
      // Of more files than are left: it may let a reader open the manifest in vain, never skip it wrongly.
      partitions: manifest.partitions,
      keyMetadata: manifest.keyMetadata,
      ...smallestSequenceNumber(kept),
    },
    removed,
  }
}

/** The partition's record as the manifest's own writer has it. */
function partitionTypeOf(schema: unknown): AvroSchema {
  const type = typeOfField(schema, PARTITION_ID)
  if (type !== undefined) return type
  throw new PlatformError('lake.unsupportedAvro', 'the manifest has no partition values')
}

function typeOfField(schema: unknown, fieldId: number): AvroSchema | undefined {
  if (typeof schema !== 'object' || schema === null) return undefined
  const { 'field-id': id, type } = schema as { 'field-id'?: number; type?: AvroSchema }
  if (id === fieldId) return type
  for (const part of Object.values(schema)) {
    const found = typeOfField(part, fieldId)
    if (found !== undefined) return found
  }
  return undefined
}
