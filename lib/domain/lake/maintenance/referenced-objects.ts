import { inParallel } from '../../kernel/in-parallel.ts'
import type { ObjectStore } from '../../kernel/object-store.ts'
import { decodeEntries, decodeManifestList, type ManifestFile } from '../manifest.ts'
import type { Table } from '../table.ts'

const READS_AT_ONCE = 16

/**
 * Every object that the table names: its metadata and what the log has of earlier ones, and all that any retained
 * snapshot consists of, down to its files. Throws if one of them cannot be read: then nobody knows what it names.
 */
export async function referencedObjects(
  objects: Pick<ObjectStore, 'get'>,
  { metadata, metadataLocation, snapshots }: Table,
): Promise<ReadonlySet<string>> {
  const found = new Set([metadataLocation])
  for (const { 'metadata-file': uri } of metadata['metadata-log']) found.add(uri)
  for (const uri of statisticsPaths(metadata)) found.add(uri)
  const manifests = new Map<string, ManifestFile>()
  await inParallel(snapshots, READS_AT_ONCE, async ({ manifestList }) => {
    found.add(manifestList)
    for (const manifest of decodeManifestList(await objects.get(manifestList))) {
      manifests.set(manifest.manifestPath, manifest)
    }
  })
  await inParallel([...manifests.values()], READS_AT_ONCE, async (manifest) => {
    found.add(manifest.manifestPath)
    const entries = decodeEntries(await objects.get(manifest.manifestPath), manifest)
    for (const { dataFile } of entries) found.add(dataFile.filePath)
  })
  return found
}

function statisticsPaths({
  statistics = [],
  'partition-statistics': ofPartitions = [],
}: Table['metadata']) {
  return [...statistics, ...ofPartitions].map((one) => one['statistics-path'])
}
