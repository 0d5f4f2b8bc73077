import type {
  PublicationStore,
  Publications,
  StoredPublications,
} from '#lib/domain/features/publish/publications.ts'

/** A product's publications in memory, held to the same contract tests as those in DynamoDB. */
export class MemoryPublicationStore implements PublicationStore {
  #stored: StoredPublications | undefined

  async load(): Promise<StoredPublications | undefined> {
    return structuredClone(this.#stored)
  }

  async save(publications: Publications, revisionRead: number | undefined): Promise<boolean> {
    if (this.#stored?.revision !== revisionRead) return false
    this.#stored = {
      publications: structuredClone(publications),
      revision: (revisionRead ?? 0) + 1,
    }
    return true
  }
}
