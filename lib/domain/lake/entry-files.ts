import { majorOf } from '../contract/version.ts'
import type { JournalEntry } from '../ingest/journal.ts'
import { admittedOf } from '../ingest/major-starts.ts'
import { type CuratedFile, decodeVerdicts } from '../ingest/verdicts-object.ts'
import { inParallel } from '../kernel/in-parallel.ts'
import type { ObjectStore } from '../kernel/object-store.ts'

const READS_AT_ONCE = 16

/** The files that journal entries hand over, from their verdicts objects. Each is read once, whatever table asks. */
export class EntryFiles {
  readonly #objects: ObjectStore
  readonly #files = new Map<string, readonly CuratedFile[]>()

  constructor(objects: ObjectStore) {
    this.#objects = objects
  }

  /** Reads what is missing for a table of this major; answers what kept an object from being read, by its URI. */
  async load(entries: readonly JournalEntry[], major: number): Promise<ReadonlyMap<string, Error>> {
    const unreadable = new Map<string, Error>()
    const missing = entries.flatMap((entry) => {
      const uri = verdictsOf(entry, major)
      return uri === undefined || this.#files.has(uri) ? [] : [uri]
    })
    await inParallel(missing, READS_AT_ONCE, async (uri) => {
      try {
        this.#files.set(uri, decodeVerdicts(uri, await this.#objects.get(uri)).files)
      } catch (error) {
        unreadable.set(uri, error instanceof Error ? error : new Error(String(error)))
      }
    })
    return unreadable
  }

  /** The loaded files that hold rows of this major, with the version that these were judged by. */
  of(entries: readonly JournalEntry[], major: number): readonly JudgedFile[] {
    return entries
      .flatMap((entry) => {
        const uri = verdictsOf(entry, major)
        const files = uri === undefined ? [] : this.#files.get(uri)!
        return files.map((file) => ({ contractVersion: entry.contractVersion, ...file }))
      })
      .filter((file) => majorOf(file.contractVersion) === major)
  }
}

/** With the version that it was judged by, also where its object does not say. */
export type JudgedFile = CuratedFile & { readonly contractVersion: string }

/** Where the files of an entry are told; undefined if it has no row for a table of this major. */
export function verdictsOf(entry: JournalEntry, major: number): string | undefined {
  return admittedOf(entry, major) > 0 ? entry.verdictsUri : undefined
}
