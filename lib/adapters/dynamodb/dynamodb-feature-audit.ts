import {
  ConditionalCheckFailedException,
  type DynamoDBClient,
  PutItemCommand,
  QueryCommand,
} from '@aws-sdk/client-dynamodb'
import type { FeatureAudit, FeatureRecord } from '#lib/domain/features/publish/feature-audit.ts'
import { isoOf } from '#lib/domain/kernel/time.ts'
import { ITEM_KEYS } from './item-keys.ts'

/** Records beside a product's buffers: partition `audit#<view>`, sort `<time>#<kind>#<run>`. They never expire. */
export class DynamoDbFeatureAudit implements FeatureAudit {
  readonly #client: DynamoDBClient
  readonly #tableName: string

  constructor(options: { readonly client: DynamoDBClient; readonly tableName: string }) {
    this.#client = options.client
    this.#tableName = options.tableName
  }

  async record(record: FeatureRecord): Promise<void> {
    const { view, atMs, kind, run } = record
    try {
      await this.#client.send(
        new PutItemCommand({
          TableName: this.#tableName,
          Item: {
            [ITEM_KEYS.partition]: { S: `audit#${view}` },
            [ITEM_KEYS.sort]: { S: `${isoOf(atMs * 1000)}#${kind}#${run}` },
            record: { S: JSON.stringify(record) },
          },
          ConditionExpression: 'attribute_not_exists(#key)',
          ExpressionAttributeNames: { '#key': ITEM_KEYS.partition },
        }),
      )
    } catch (error) {
      // It is there: a repeat of our own, or of somebody who went on with the run.
      if (!(error instanceof ConditionalCheckFailedException)) throw error
    }
  }

  async list(view: string, limit: number): Promise<readonly FeatureRecord[]> {
    const { Items: items } = await this.#client.send(
      new QueryCommand({
        TableName: this.#tableName,
        KeyConditionExpression: '#key = :key',
        ExpressionAttributeNames: { '#key': ITEM_KEYS.partition },
        ExpressionAttributeValues: { ':key': { S: `audit#${view}` } },
        ConsistentRead: true,
        ScanIndexForward: false,
        Limit: limit,
      }),
    )
    return (items ?? []).map((item) => JSON.parse(item.record!.S!) as FeatureRecord)
  }
}
