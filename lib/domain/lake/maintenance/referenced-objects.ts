import { inParallel } from '../../kernel/in-parallel.ts'
import type { ObjectStore } from '../../kernel/object-store.ts'
import type { ManifestFile } from '../manifest.ts'
import { entriesOf, manifestsOf } from '../read-manifests.ts'
import type { Table } from '../table.ts'

const READS_AT_ONCE = 16

/**
 * Every object that the table names: its metadata and what the log has of earlier ones, and all that any retained
 * snapshot consists of, down to its files. Throws if one of them cannot be read: then nobody knows what it names.
 */
export async function referencedObjects(
  objects: Pick<ObjectStore, 'get'>,
  { metadata, metadataLocation }: Table,
): Promise<ReadonlySet<string>> {
  const found = new Set([metadataLocation])
  for (const { 'metadata-file': uri } of metadata['metadata-log']) found.add(uri)
  for (const uri of statisticsPaths(metadata)) found.add(uri)
  const manifests = new Map<string, ManifestFile>()
  await inParallel(metadata.snapshots, READS_AT_ONCE, async (snapshot) => {
    found.add(snapshot['manifest-list'])
    for (const manifest of await manifestsOf(objects, snapshot)) {
      manifests.set(manifest.manifestPath, manifest)
    }
  })
  await inParallel([...manifests.values()], READS_AT_ONCE, async (manifest) => {
    found.add(manifest.manifestPath)
    for (const { dataFile } of await entriesOf(objects, manifest)) found.add(dataFile.filePath)
  })
  return found
}

function statisticsPaths({
  statistics = [],
  'partition-statistics': ofPartitions = [],
}: Table['metadata']) {
  return [...statistics, ...ofPartitions].map((one) => one['statistics-path'])
}
