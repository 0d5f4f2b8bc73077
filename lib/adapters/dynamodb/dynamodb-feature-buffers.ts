import {
  BatchGetItemCommand,
  ConditionalCheckFailedException,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
} from '@aws-sdk/client-dynamodb'
import type { PaneState } from '#lib/domain/features/batch/batch-states.ts'
import type {
  BufferItem,
  BufferKey,
  BufferSeal,
  FeatureBuffers,
} from '#lib/domain/features/publish/feature-buffers.ts'
import type { Buffer as BufferName } from '#lib/domain/features/publish/publications.ts'
import { PlatformError } from '#lib/domain/kernel/errors.ts'
import { inParallel } from '#lib/domain/kernel/in-parallel.ts'
import { EXPIRY_ATTRIBUTE } from './dynamodb-slot-store.ts'
import { ITEM_KEYS, type Item, itemKey } from './item-keys.ts'

const BATCH_GET_LIMIT = 100
const CALLS_AT_ONCE = 16
/** DynamoDB keeps 400 KB; names of attributes and keys count. */
const MOST_ITEM_BYTES = 380_000

export interface DynamoDbFeatureBuffersOptions {
  readonly client: DynamoDBClient
  readonly tableName: string
  /** State names of all views, so that a range of one key's items is only read if most of it is wanted. @default none */
  readonly views?: readonly string[]
}

/**
 * Buffers in DynamoDB: partition `<buffer>#<key>`, sort the view's state name, so that all views of a key lie side by
 * side. In the same table: `seal#<view>`.
 */
export class DynamoDbFeatureBuffers implements FeatureBuffers {
  readonly #client: DynamoDBClient
  readonly #tableName: string
  readonly #views: readonly string[]

  constructor({ client, tableName, views = [] }: DynamoDbFeatureBuffersOptions) {
    this.#client = client
    this.#tableName = tableName
    this.#views = [...views].sort()
  }

  async write(items: readonly BufferItem[]): Promise<readonly boolean[]> {
    return inParallel(items, CALLS_AT_ONCE, (item) => this.#putNewer(itemOf(item)))
  }

  async read(
    keys: readonly BufferKey[],
    { consistent }: { readonly consistent: boolean },
  ): Promise<readonly BufferItem[]> {
    const byPartition = Map.groupBy(keys, ({ buffer, key }) => `${buffer}#${key}`)
    const single: Item[] = []
    const reads: (() => Promise<readonly BufferItem[]>)[] = []
    for (const [partition, some] of byPartition) {
      const names = [...new Set(some.map(({ view }) => view))].sort()
      if (this.#areMostOfRange(names)) {
        reads.push(() => this.#range(partition, names, consistent))
      } else single.push(...names.map((name) => itemKey(partition, name)))
    }
    for (let at = 0; at < single.length; at += BATCH_GET_LIMIT) {
      const some = single.slice(at, at + BATCH_GET_LIMIT)
      reads.push(() =>
        some.length === 1 ? this.#one(some[0]!, consistent) : this.#some(some, consistent),
      )
    }
    return (await inParallel(reads, CALLS_AT_ONCE, (read) => read())).flat()
  }

  /** A range costs its bytes once; single items cost at least half a unit each. */
  #areMostOfRange(names: readonly string[]): boolean {
    const [first, last] = [names[0]!, names.at(-1)!]
    if (names.length < 2) return false
    const between = this.#views.filter((name) => name >= first && name <= last).length
    return 2 * names.length >= between
  }

  async #one(key: Item, consistent: boolean): Promise<readonly BufferItem[]> {
    const { Item: item } = await this.#client.send(
      new GetItemCommand({ TableName: this.#tableName, Key: key, ConsistentRead: consistent }),
    )
    return item === undefined ? [] : [bufferItemOf(item)]
  }

  async #some(keys: readonly Item[], consistent: boolean): Promise<readonly BufferItem[]> {
    const found: BufferItem[] = []
    let wanted: Item[] | undefined = [...keys]
    while (wanted !== undefined && wanted.length > 0) {
      const answer: {
        Responses?: Record<string, Item[]>
        UnprocessedKeys?: Record<string, { Keys: Item[] | undefined }>
      } = await this.#client.send(
        new BatchGetItemCommand({
          RequestItems: { [this.#tableName]: { Keys: wanted, ConsistentRead: consistent } },
        }),
      )
      found.push(...(answer.Responses?.[this.#tableName] ?? []).map(bufferItemOf))
      wanted = answer.UnprocessedKeys?.[this.#tableName]?.Keys
    }
    return found
  }

  async #range(
    partition: string,
    names: readonly string[],
    consistent: boolean,
  ): Promise<readonly BufferItem[]> {
    const wanted = new Set(names)
    const found: BufferItem[] = []
    let from: Item | undefined
    do {
      const page: { Items?: Item[]; LastEvaluatedKey?: Item } = await this.#client.send(
        new QueryCommand({
          TableName: this.#tableName,
          KeyConditionExpression: '#key = :key AND #sort BETWEEN :first AND :last',
          ExpressionAttributeNames: { '#key': ITEM_KEYS.partition, '#sort': ITEM_KEYS.sort },
          ExpressionAttributeValues: {
            ':key': { S: partition },
            ':first': { S: names[0]! },
            ':last': { S: names.at(-1)! },
          },
          ConsistentRead: consistent,
          ...(from ? { ExclusiveStartKey: from } : {}),
        }),
      )
      for (const item of page.Items ?? []) {
        if (wanted.has(item[ITEM_KEYS.sort]!.S!)) found.push(bufferItemOf(item))
      }
      from = page.LastEvaluatedKey
    } while (from !== undefined)
    return found
  }

  async seal(view: string, buffer: BufferName): Promise<BufferSeal | undefined> {
    const { Item: item } = await this.#client.send(
      new GetItemCommand({
        TableName: this.#tableName,
        Key: itemKey(`seal#${view}`, buffer),
        ConsistentRead: true,
      }),
    )
    if (item === undefined) return undefined
    return {
      view,
      buffer,
      version: Number(item.version!.N),
      state: item.state!.S as BufferSeal['state'],
      keys: Number(item.keys!.N),
      checksum: item.checksum!.S!,
    }
  }

  async putSeal({ view, buffer, version, state, keys, checksum }: BufferSeal): Promise<boolean> {
    return this.#putNewer({
      ...itemKey(`seal#${view}`, buffer),
      version: { N: String(version) },
      state: { S: state },
      keys: { N: String(keys) },
      checksum: { S: checksum },
    })
  }

  async #putNewer(item: Item): Promise<boolean> {
    try {
      await this.#client.send(
        new PutItemCommand({
          TableName: this.#tableName,
          Item: item,
          ConditionExpression: 'attribute_not_exists(#version) OR #version <= :version',
          ExpressionAttributeNames: { '#version': 'version' },
          ExpressionAttributeValues: { ':version': item.version! },
        }),
      )
      return true
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return false
      throw error
    }
  }
}

/** What no condition and no expiry asks for stands in one attribute: a reader of many items unpacks few. */
type StoredResult = [
  cut: number,
  computedAtMs: number,
  window: [number, number] | null,
  panes: StoredPane[],
]
type StoredPane = [paneStart: number, min: number, max: number, states: PaneState['states']]

function itemOf(item: BufferItem): Item {
  const { buffer, view, key, version, cut, computedAtMs, panes, window, values } = item
  const result: StoredResult = [
    cut,
    computedAtMs,
    window === null ? null : [window.start, window.end],
    panes.map(({ paneStart, eventTime: { min, max }, states }) => [paneStart, min, max, states]),
  ]
  const text = JSON.stringify(result)
  const bytes = Buffer.byteLength(text) + Buffer.byteLength(values)
  if (bytes > MOST_ITEM_BYTES) {
    throw new PlatformError(
      'features.itemTooLarge',
      `${view}: the states of "${key}" take ${bytes} bytes, an item holds ${MOST_ITEM_BYTES}: make its window shorter, its slide longer, or its sketches coarser`,
    )
  }
  return {
    ...itemKey(`${buffer}#${key}`, view),
    version: { N: String(version) },
    result: { S: text },
    values: { S: values },
    [EXPIRY_ATTRIBUTE]: { N: String(Math.ceil(item.expiresAtMs / 1000)) },
  }
}

function bufferItemOf(item: Item): BufferItem {
  const partition = item[ITEM_KEYS.partition]!.S!
  const [cut, computedAtMs, window, panes] = JSON.parse(item.result!.S!) as StoredResult
  return {
    buffer: partition[0] as BufferName,
    key: partition.slice(2),
    view: item[ITEM_KEYS.sort]!.S!,
    version: Number(item.version!.N),
    cut,
    computedAtMs,
    panes: panes.map(([paneStart, min, max, states]) => {
      return { paneStart, eventTime: { min, max }, states }
    }),
    window: window === null ? null : { start: window[0], end: window[1] },
    values: item.values!.S!,
    expiresAtMs: Number(item[EXPIRY_ATTRIBUTE]!.N) * 1000,
  }
}
