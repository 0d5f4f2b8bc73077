import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import type {
  PublicationStore,
  Publications,
  StoredPublications,
} from '#lib/domain/features/publish/publications.ts'
import { VersionedDocuments } from './versioned-documents.ts'

const PLACE = ['publications', 'current'] as const

/** A product's publications: one item of the table of its buffers, replaced only at the revision that was read. */
export class DynamoDbPublicationStore implements PublicationStore {
  readonly #documents: VersionedDocuments

  constructor(options: { readonly client: DynamoDBClient; readonly tableName: string }) {
    this.#documents = new VersionedDocuments(options)
  }

  async load(): Promise<StoredPublications | undefined> {
    const stored = await this.#documents.load<Publications>(...PLACE)
    return stored && { publications: stored.document, revision: stored.revision }
  }

  save(publications: Publications, revisionRead: number | undefined): Promise<boolean> {
    return this.#documents.replace(...PLACE, publications, revisionRead)
  }
}
