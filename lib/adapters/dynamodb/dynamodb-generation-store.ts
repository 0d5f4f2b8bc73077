import {
  ConditionalCheckFailedException,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
} from '@aws-sdk/client-dynamodb'
import type {
  GenerationStore,
  StoredGenerations,
} from '#lib/domain/process/generations/generation-store.ts'
import type { Generations } from '#lib/domain/process/generations/generations.ts'
import { ITEM_KEYS } from './item-keys.ts'

/** A partition of its own in the slots table: every other one has a '#' in its name. */
const KEY = {
  [ITEM_KEYS.partition]: { S: 'generations' },
  [ITEM_KEYS.sort]: { S: 'current' },
}

/** A product's generations: one item, replaced only at the revision that was read. */
export class DynamoDbGenerationStore implements GenerationStore {
  readonly #client: DynamoDBClient
  readonly #tableName: string

  constructor(options: { readonly client: DynamoDBClient; readonly tableName: string }) {
    this.#client = options.client
    this.#tableName = options.tableName
  }

  async load(): Promise<StoredGenerations | undefined> {
    const { Item: item } = await this.#client.send(
      new GetItemCommand({ TableName: this.#tableName, Key: KEY, ConsistentRead: true }),
    )
    if (item === undefined) return undefined
    return {
      generations: JSON.parse(item.document!.S!) as Generations,
      revision: Number(item.revision!.N),
    }
  }

  async save(generations: Generations, revisionRead: number | undefined): Promise<boolean> {
    try {
      await this.#client.send(
        new PutItemCommand({
          TableName: this.#tableName,
          Item: {
            ...KEY,
            document: { S: JSON.stringify(generations) },
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
