import {
  ConditionalCheckFailedException,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  type QueryCommandInput,
} from '@aws-sdk/client-dynamodb'
import type { Journal, JournalEntry, ShardRegistration } from '#lib/domain/ingest/journal.ts'
import { PlatformError } from '#lib/domain/kernel/errors.ts'
import { type Predecessor, START } from '#lib/domain/kernel/sequence-number.ts'
import { ITEM_KEYS } from './item-keys.ts'

/** Partition of the list of shards: no shard id starts so. */
const SHARDS = '#shards'

/**
 * The journal in DynamoDB: one item per entry under (shard, last position), one per registration under
 * ('#shards', shard). Items are created if absent; every read is consistent.
 */
export class DynamoDbJournal implements Journal {
  readonly #client: DynamoDBClient
  readonly #tableName: string

  constructor(options: { readonly client: DynamoDBClient; readonly tableName: string }) {
    this.#client = options.client
    this.#tableName = options.tableName
  }

  async register(registration: ShardRegistration): Promise<ShardRegistration> {
    return this.#createOrAdopt(SHARDS, registration.shard, registration)
  }

  async shards(): Promise<readonly ShardRegistration[]> {
    const found: ShardRegistration[] = []
    for await (const page of this.#query({ shard: SHARDS })) {
      found.push(...(page as ShardRegistration[]))
    }
    return found
  }

  async registration(shard: string): Promise<ShardRegistration | undefined> {
    return this.#get(SHARDS, shard)
  }

  async head(shard: string): Promise<JournalEntry | undefined> {
    for await (const page of this.#query({ shard, forward: false, limit: 1 })) {
      return page[0] as JournalEntry | undefined
    }
    return undefined
  }

  async append(entry: JournalEntry): Promise<JournalEntry> {
    return this.#createOrAdopt(entry.shard, entry.last, entry)
  }

  async entriesAfter(
    shard: string,
    fence: Predecessor,
    limit: number,
  ): Promise<readonly JournalEntry[]> {
    const found: JournalEntry[] = []
    const after = fence === START ? {} : { after: fence }
    for await (const page of this.#query({ shard, limit, ...after })) {
      found.push(...(page as JournalEntry[]))
      if (found.length >= limit) break
    }
    return found.slice(0, limit)
  }

  async *newestFirst(shard: string): AsyncIterable<JournalEntry> {
    for await (const page of this.#query({ shard, forward: false })) yield* page as JournalEntry[]
  }

  async #createOrAdopt<Value>(shard: string, position: string, value: Value): Promise<Value> {
    try {
      await this.#client.send(
        new PutItemCommand({
          TableName: this.#tableName,
          Item: {
            [ITEM_KEYS.partition]: { S: shard },
            [ITEM_KEYS.sort]: { S: position },
            body: { S: JSON.stringify(value) },
          },
          ConditionExpression: 'attribute_not_exists(#position)',
          ExpressionAttributeNames: { '#position': ITEM_KEYS.sort },
        }),
      )
      return value
    } catch (error) {
      // There is one: another attempt's, or our own whose answer was lost and that the client repeated.
      if (!(error instanceof ConditionalCheckFailedException)) throw error
      const found = await this.#get<Value>(shard, position)
      if (found !== undefined) return found
      throw new PlatformError(
        'journal.vanished',
        `journal item (${shard}, ${position}) exists and cannot be read: was it deleted?`,
        { retryable: true, context: { shard, position } },
      )
    }
  }

  async #get<Value>(shard: string, position: string): Promise<Value | undefined> {
    const { Item: item } = await this.#client.send(
      new GetItemCommand({
        TableName: this.#tableName,
        Key: { [ITEM_KEYS.partition]: { S: shard }, [ITEM_KEYS.sort]: { S: position } },
        ConsistentRead: true,
      }),
    )
    return item === undefined ? undefined : (JSON.parse(item.body!.S!) as Value)
  }

  async *#query(options: {
    shard: string
    after?: string
    forward?: boolean
    limit?: number
  }): AsyncIterable<unknown[]> {
    const condition = options.after === undefined ? '' : ' AND #position > :after'
    const input: QueryCommandInput = {
      TableName: this.#tableName,
      ConsistentRead: true,
      ScanIndexForward: options.forward ?? true,
      KeyConditionExpression: `#shard = :shard${condition}`,
      ExpressionAttributeNames: {
        '#shard': ITEM_KEYS.partition,
        ...(options.after === undefined ? {} : { '#position': ITEM_KEYS.sort }),
      },
      ExpressionAttributeValues: {
        ':shard': { S: options.shard },
        ...(options.after === undefined ? {} : { ':after': { S: options.after } }),
      },
      ...(options.limit === undefined ? {} : { Limit: options.limit }),
    }
    let from: QueryCommandInput['ExclusiveStartKey']
    do {
      const page = await this.#client.send(
        new QueryCommand({ ...input, ...(from ? { ExclusiveStartKey: from } : {}) }),
      )
      yield (page.Items ?? []).map((item) => JSON.parse(item.body!.S!))
      from = page.LastEvaluatedKey
    } while (from !== undefined)
  }
}
