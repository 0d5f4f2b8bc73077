import {
  ConditionalCheckFailedException,
  type DynamoDBClient,
  PutItemCommand,
} from '@aws-sdk/client-dynamodb'
import type { DecisionStore, KeptDecision } from '#lib/domain/features/decide/decision-store.ts'
import { parseExact, stringifyExact } from '#lib/domain/lake/exact-json.ts'
import { EXPIRY_ATTRIBUTE } from './dynamodb-slot-store.ts'
import { ITEM_KEYS } from './item-keys.ts'

/** Decisions in a product's slots table, an item each, in partitions that are no view's: those have a '#' in their names. */
export class DynamoDbDecisionStore implements DecisionStore {
  readonly #client: DynamoDBClient
  readonly #tableName: string

  constructor(options: { readonly client: DynamoDBClient; readonly tableName: string }) {
    this.#client = options.client
    this.#tableName = options.tableName
  }

  async keep(decision: KeptDecision, expiresAtMs: number): Promise<KeptDecision> {
    try {
      await this.#client.send(
        new PutItemCommand({
          TableName: this.#tableName,
          Item: {
            [ITEM_KEYS.partition]: {
              S: `decision/${decision.decision}/${encodeURIComponent(decision.id)}`,
            },
            [ITEM_KEYS.sort]: { S: 'made' },
            document: { S: stringifyExact(decision) },
            [EXPIRY_ATTRIBUTE]: { N: String(Math.ceil(expiresAtMs / 1000)) },
          },
          ConditionExpression: 'attribute_not_exists(#pk)',
          ExpressionAttributeNames: { '#pk': ITEM_KEYS.partition },
          // One call for both: what is there comes back with the refusal.
          ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
        }),
      )
      return decision
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException) || error.Item === undefined)
        throw error
      return parseExact(error.Item.document!.S!) as KeptDecision
    }
  }
}
