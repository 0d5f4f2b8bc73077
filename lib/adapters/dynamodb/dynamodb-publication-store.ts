import {
  ConditionalCheckFailedException,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
} from '@aws-sdk/client-dynamodb'
import type {
  PublicationStore,
  Publications,
  StoredPublications,
} from '#lib/domain/features/publish/publications.ts'
import { ITEM_KEYS } from './item-keys.ts'

const KEY = {
  [ITEM_KEYS.partition]: { S: 'publications' },
  [ITEM_KEYS.sort]: { S: 'current' },
}

/** A product's publications: one item of the table of its buffers, replaced only at the revision that was read. */
export class DynamoDbPublicationStore implements PublicationStore {
  readonly #client: DynamoDBClient
  readonly #tableName: string

  constructor(options: { readonly client: DynamoDBClient; readonly tableName: string }) {
    this.#client = options.client
    this.#tableName = options.tableName
  }

  async load(): Promise<StoredPublications | undefined> {
    const { Item: item } = await this.#client.send(
      new GetItemCommand({ TableName: this.#tableName, Key: KEY, ConsistentRead: true }),
    )
    if (item === undefined) return undefined
    return {
      publications: JSON.parse(item.document!.S!) as Publications,
      revision: Number(item.revision!.N),
    }
  }

  async save(publications: Publications, revisionRead: number | undefined): Promise<boolean> {
    try {
      await this.#client.send(
        new PutItemCommand({
          TableName: this.#tableName,
          Item: {
            ...KEY,
            document: { S: JSON.stringify(publications) },
            revision: { N: String((revisionRead ?? 0) + 1) },
          },
          ExpressionAttributeNames: { '#revision': 'revision' },
          ...(revisionRead === undefined
            ? { ConditionExpression: 'attribute_not_exists(#revision)' }
            : {
                ConditionExpression: '#revision = :read',
                ExpressionAttributeValues: { ':read': { N: String(revisionRead) } },
              }),
        }),
      )
      return true
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return false
      throw error
    }
  }
}
