import type {
  GenerationStore,
  StoredGenerations,
} from '#lib/domain/process/generations/generation-store.ts'
import type { Generations } from '#lib/domain/process/generations/generations.ts'

/** A product's generations in memory, held to the same contract tests as those in DynamoDB. */
export class MemoryGenerationStore implements GenerationStore {
  #stored: StoredGenerations | undefined

  async load(): Promise<StoredGenerations | undefined> {
    return structuredClone(this.#stored)
  }

  async save(generations: Generations, revisionRead: number | undefined): Promise<boolean> {
    if (this.#stored?.revision !== revisionRead) return false
    this.#stored = { generations: structuredClone(generations), revision: (revisionRead ?? 0) + 1 }
    return true
  }
}
