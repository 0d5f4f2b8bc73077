import {
  ConditionalCheckFailedException,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
} from '@aws-sdk/client-dynamodb'
import { itemKey } from './item-keys.ts'

/** A document with the revision at which it was read. */
export interface VersionedDocument<Document> {
  readonly document: Document
  readonly revision: number
}

/** Documents in a table, an item each, replaced only at the revision that was read. */
export class VersionedDocuments {
  readonly #client: DynamoDBClient
  readonly #tableName: string

  constructor(options: { readonly client: DynamoDBClient; readonly tableName: string }) {
    this.#client = options.client
    this.#tableName = options.tableName
  }

  /** Strongly consistent; undefined if there is none. */
  async load<Document>(
    partition: string,
    sort: string,
  ): Promise<VersionedDocument<Document> | undefined> {
    const { Item: item } = await this.#client.send(
      new GetItemCommand({
        TableName: this.#tableName,
        Key: itemKey(partition, sort),
        ConsistentRead: true,
      }),
    )
    if (item === undefined) return undefined
    return {
      document: JSON.parse(item.document!.S!) as Document,
      revision: Number(item.revision!.N),
    }
  }

  /** False if it was replaced since it was read, or is there although it was not. */
  async replace(
    partition: string,
    sort: string,
    document: unknown,
    revisionRead: number | undefined,
  ): Promise<boolean> {
    try {
      await this.#client.send(
        new PutItemCommand({
          TableName: this.#tableName,
          Item: {
            ...itemKey(partition, sort),
            document: { S: JSON.stringify(document) },
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
