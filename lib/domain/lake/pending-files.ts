import type { Journal } from '../ingest/journal.ts'
import { decodeVerdicts } from '../ingest/verdicts-object.ts'
import { inParallel } from '../kernel/in-parallel.ts'
import type { ObjectStore } from '../kernel/object-store.ts'
import { START } from '../kernel/sequence-number.ts'
import type { Fences } from './fences.ts'

const ENTRIES_AT_ONCE = 500
const READS_AT_ONCE = 16

/**
 * Files of all journal entries past these fences, whatever table they are for: what orphan removal has to leave. Throws
 * if an entry's verdicts object cannot be read: then nobody knows what it hands over.
 */
export async function pendingFiles(
  { journal, objects }: { readonly journal: Journal; readonly objects: Pick<ObjectStore, 'get'> },
  fences: Fences,
): Promise<ReadonlySet<string>> {
  const files = new Set<string>()
  for (const { shard } of await journal.shards()) {
    let fence = fences[shard] ?? START
    for (;;) {
      const entries = await journal.entriesAfter(shard, fence, ENTRIES_AT_ONCE)
      const uris = entries.flatMap(({ verdictsUri }) => verdictsUri ?? [])
      await inParallel(uris, READS_AT_ONCE, async (uri) => {
        for (const { path } of decodeVerdicts(uri, await objects.get(uri)).files) files.add(path)
      })
      if (entries.length < ENTRIES_AT_ONCE) break
      fence = entries.at(-1)!.last
    }
  }
  return files
}
