import {
  type AttributeValue,
  BatchGetItemCommand,
  ConditionalCheckFailedException,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb'
import {
  type Predecessor,
  parsePredecessor,
  parseSequenceNumber,
  type SequenceNumber,
  START,
} from '#lib/domain/kernel/sequence-number.ts'
import { isoOf, type Micros } from '#lib/domain/kernel/time.ts'
import type { Slot, SlotKey, SlotStore } from '#lib/domain/process/slot-store.ts'
import { ITEM_KEYS } from './item-keys.ts'

/** Version of the item; each state in it carries its own. */
const STATES_VERSION = '1'
const BATCH_GET_LIMIT = 100

type Item = Record<string, AttributeValue>

/**
 * Window slots in DynamoDB: partition `<view>#<key>`, sort `<window start>#<shard>`, so that the newest window
 * of a key is one query backwards. Cursors stand in the same table under `#cursor#<view>`.
 */
export class DynamoDbSlotStore implements SlotStore {
  readonly #client: DynamoDBClient
  readonly #tableName: string

  constructor(options: { readonly client: DynamoDBClient; readonly tableName: string }) {
    this.#client = options.client
    this.#tableName = options.tableName
  }

  async cursor(view: string, shard: string): Promise<Predecessor> {
    const { Item: item } = await this.#client.send(
      new GetItemCommand({
        TableName: this.#tableName,
        Key: cursorKey(view, shard),
        ConsistentRead: true,
      }),
    )
    return item === undefined ? START : parsePredecessor(item.sequence!.S!)
  }

  async advanceCursor(view: string, shard: string, to: SequenceNumber): Promise<void> {
    try {
      await this.#client.send(
        new UpdateItemCommand({
          TableName: this.#tableName,
          Key: cursorKey(view, shard),
          UpdateExpression: 'SET #sequence = :to',
          ConditionExpression: 'attribute_not_exists(#sequence) OR #sequence < :to',
          ExpressionAttributeNames: { '#sequence': 'sequence' },
          ExpressionAttributeValues: { ':to': { S: to } },
        }),
      )
    } catch (error) {
      // It already stands there or further on: another invocation was quicker.
      if (!(error instanceof ConditionalCheckFailedException)) throw error
    }
  }

  async read(keys: readonly SlotKey[]): Promise<readonly Slot[]> {
    const slots: Slot[] = []
    for (let at = 0; at < keys.length; at += BATCH_GET_LIMIT) {
      let wanted: Item[] | undefined = keys.slice(at, at + BATCH_GET_LIMIT).map(slotKey)
      while (wanted !== undefined && wanted.length > 0) {
        const answer: { Responses?: Record<string, Item[]>; UnprocessedKeys?: Unprocessed } =
          await this.#client.send(
            new BatchGetItemCommand({
              RequestItems: { [this.#tableName]: { Keys: wanted, ConsistentRead: true } },
            }),
          )
        slots.push(...(answer.Responses?.[this.#tableName] ?? []).map(slotOf))
        wanted = answer.UnprocessedKeys?.[this.#tableName]?.Keys
      }
    }
    return slots
  }

  async write(slot: Slot, sequenceRead: SequenceNumber | undefined): Promise<boolean> {
    try {
      await this.#client.send(
        new PutItemCommand({
          TableName: this.#tableName,
          Item: {
            ...slotKey(slot),
            version: { S: STATES_VERSION },
            states: { S: JSON.stringify(slot.states) },
            sequence: { S: slot.sequence },
            computedAt: { N: String(slot.computedAtMs) },
          },
          ExpressionAttributeNames: { '#sequence': 'sequence' },
          // Equal, not smaller: a stale or cached read then fails instead of forgetting what it did not see.
          ...(sequenceRead === undefined
            ? { ConditionExpression: 'attribute_not_exists(#sequence)' }
            : {
                ConditionExpression: '#sequence = :read',
                ExpressionAttributeValues: { ':read': { S: sequenceRead } },
              }),
        }),
      )
      return true
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return false
      throw error
    }
  }

  async newestWindow(view: string, key: string, atOrBefore: Micros): Promise<readonly Slot[]> {
    const slots: Slot[] = []
    let from: Item | undefined
    do {
      const page: { Items?: Item[]; LastEvaluatedKey?: Item } = await this.#client.send(
        new QueryCommand({
          TableName: this.#tableName,
          KeyConditionExpression: '#key = :key AND #window <= :window',
          ExpressionAttributeNames: { '#key': ITEM_KEYS.partition, '#window': ITEM_KEYS.sort },
          // '~' sorts after every shard id: all shards' slots of a window that starts exactly then.
          ExpressionAttributeValues: {
            ':key': { S: `${view}#${key}` },
            ':window': { S: `${isoOf(atOrBefore)}#~` },
          },
          ScanIndexForward: false,
          Limit: 16,
          ...(from ? { ExclusiveStartKey: from } : {}),
        }),
      )
      for (const slot of (page.Items ?? []).map(slotOf)) {
        if (slots[0] !== undefined && slot.windowStart !== slots[0].windowStart) return slots
        slots.push(slot)
      }
      from = page.LastEvaluatedKey
    } while (from !== undefined)
    return slots
  }
}

type Unprocessed = Record<string, { Keys: Item[] | undefined }>

function cursorKey(view: string, shard: string): Item {
  return { [ITEM_KEYS.partition]: { S: `#cursor#${view}` }, [ITEM_KEYS.sort]: { S: shard } }
}

function slotKey(slot: SlotKey): Item {
  return {
    [ITEM_KEYS.partition]: { S: `${slot.view}#${slot.key}` },
    [ITEM_KEYS.sort]: { S: `${isoOf(slot.windowStart)}#${slot.shard}` },
  }
}

function slotOf(item: Item): Slot {
  const partition = item[ITEM_KEYS.partition]!.S!
  const sort = item[ITEM_KEYS.sort]!.S!
  // A view name has no '#', a window start neither: what follows the first one is the key, or the shard.
  return {
    view: partition.slice(0, partition.indexOf('#')),
    key: partition.slice(partition.indexOf('#') + 1),
    windowStart: Date.parse(sort.slice(0, sort.indexOf('#'))) * 1000,
    shard: sort.slice(sort.indexOf('#') + 1),
    states: JSON.parse(item.states!.S!),
    sequence: parseSequenceNumber(item.sequence!.S!),
    computedAtMs: Number(item.computedAt!.N),
  }
}
