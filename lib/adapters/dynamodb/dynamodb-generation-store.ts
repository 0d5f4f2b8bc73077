import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import type {
  GenerationStore,
  StoredGenerations,
} from '#lib/domain/process/generations/generation-store.ts'
import type { Generations } from '#lib/domain/process/generations/generations.ts'
import { VersionedDocuments } from './versioned-documents.ts'

/** A partition of its own in the slots table: every other one has a '#' in its name. */
const PLACE = ['generations', 'current'] as const

/** A product's generations: one item, replaced only at the revision that was read. */
export class DynamoDbGenerationStore implements GenerationStore {
  readonly #documents: VersionedDocuments

  constructor(options: { readonly client: DynamoDBClient; readonly tableName: string }) {
    this.#documents = new VersionedDocuments(options)
  }

  async load(): Promise<StoredGenerations | undefined> {
    const stored = await this.#documents.load<Generations>(...PLACE)
    return stored && { generations: stored.document, revision: stored.revision }
  }

  save(generations: Generations, revisionRead: number | undefined): Promise<boolean> {
    return this.#documents.replace(...PLACE, generations, revisionRead)
  }
}
