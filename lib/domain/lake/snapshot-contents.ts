import { PlatformError } from '../kernel/errors.ts'
import type { ObjectStore } from '../kernel/object-store.ts'
import type { DataFile } from './data-file.ts'
import type { DeleteFile } from './delete-file.ts'
import type { ManifestFile } from './manifest.ts'
import { type EntryRecord, PARQUET, plainDeletes, plainFile } from './manifest-entry.ts'
import { entriesOfAll, manifestsOf } from './read-manifests.ts'
import {
  type PartitionSpecJson,
  type SnapshotJson,
  specJson,
  type TableMetadata,
} from './table-metadata.ts'

/** How a file stands in a snapshot. */
interface Live<File> {
  readonly file: File
  /** Of the rows: deletes apply to rows by their numbers. */
  readonly sequenceNumber: bigint
  /** Which snapshot put it in. */
  readonly snapshotId: bigint
}

export interface LiveDataFile extends Live<DataFile> {
  readonly specId: number
  readonly format: string
}

export interface LiveDeleteFile extends Live<DeleteFile> {
  readonly format: string
}

/** The files of a snapshot: rows, and what deletes rows. */
export interface SnapshotContents {
  readonly data: readonly LiveDataFile[]
  readonly deletes: readonly LiveDeleteFile[]
}

/** What a snapshot consists of; nothing without one. `wanted` leaves manifests unread that cannot be of interest. */
export async function contentsOf(
  objects: Pick<ObjectStore, 'get'>,
  metadata: TableMetadata,
  snapshot: SnapshotJson | undefined,
  wanted: (manifest: ManifestFile) => boolean = () => true,
): Promise<SnapshotContents> {
  const manifests = (await manifestsOf(objects, snapshot)).filter(wanted)
  const data: LiveDataFile[] = []
  const deletes: LiveDeleteFile[] = []
  for (const [manifest, entries] of await entriesOfAll(objects, manifests)) {
    const spec = specOfManifest(metadata, manifest)
    for (const entry of entries) {
      if (manifest.content === 0) data.push(liveData(entry, manifest, spec))
      else deletes.push(liveDeletes(entry, manifest, spec))
    }
  }
  return { data, deletes }
}

/** The spec that a manifest is of. Throws `lake.unsupportedTable`, naming both, if the table has no such spec. */
export function specOfManifest(
  metadata: TableMetadata,
  { partitionSpecId, manifestPath }: ManifestFile,
): PartitionSpecJson {
  if (metadata['partition-specs'].some((spec) => spec['spec-id'] === partitionSpecId)) {
    return specJson(metadata, partitionSpecId)
  }
  throw new PlatformError(
    'lake.unsupportedTable',
    `manifest ${manifestPath} is of partition spec ${partitionSpecId}, which the table does not have`,
    { context: { path: manifestPath } },
  )
}

/** An entry of a manifest of data files, in the terms of the table. */
export function liveData(
  { dataFile, sequenceNumber, snapshotId }: EntryRecord,
  manifest: ManifestFile,
  spec: PartitionSpecJson,
): LiveDataFile {
  return {
    file: plainFile(dataFile, spec),
    specId: spec['spec-id'],
    format: dataFile.fileFormat.toUpperCase(),
    sequenceNumber: sequenceNumber ?? manifest.sequenceNumber,
    snapshotId: snapshotId ?? manifest.addedSnapshotId,
  }
}

/** An entry of a manifest of row deletes, in the terms of the table. */
export function liveDeletes(
  { dataFile, sequenceNumber, snapshotId }: EntryRecord,
  manifest: ManifestFile,
  spec: PartitionSpecJson,
): LiveDeleteFile {
  return {
    file: plainDeletes(dataFile, spec),
    format: dataFile.fileFormat.toUpperCase(),
    sequenceNumber: sequenceNumber ?? manifest.sequenceNumber,
    snapshotId: snapshotId ?? manifest.addedSnapshotId,
  }
}

/** Throws `lake.unsupportedTable` for a file of a format that Weir does not read. */
export function refuseFormat({ format, file }: LiveDataFile | LiveDeleteFile): void {
  if (format === PARQUET) return
  throw new PlatformError(
    'lake.unsupportedTable',
    `${file.path} is of format ${format}; only Parquet can be read`,
    { context: { path: file.path } },
  )
}
