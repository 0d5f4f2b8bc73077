import {
  ConditionalCheckFailedException,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb'
import type { Backfill } from '#lib/domain/backfill/backfill.ts'
import type { BackfillStore, Stored } from '#lib/domain/backfill/backfill-store.ts'
import type { ChunkRecord } from '#lib/domain/backfill/chunk-record.ts'
import type { RangeLocks } from '#lib/domain/backfill/lock.ts'
import type { Units } from '#lib/domain/backfill/plan.ts'
import { ITEM_KEYS, type Item, itemKey } from './item-keys.ts'
import { VersionedDocuments } from './versioned-documents.ts'

const BACKFILLS = 'backfills'
const LOCKS = 'backfill-locks'
/** Of one backfill: its chunks, and what it has cost. No view's partition begins so. */
const partitionOf = (id: string) => `backfill#${id}`
const CHUNK = 'chunk#'
const SPENT = 'spent'
/** Before the name of a meter: an attribute of its own, since DynamoDB adds to whole attributes only. */
const METER = 'meter.'

/** A product's backfills, in its slots table: one item each, replaced only at the revision that was read. */
export class DynamoDbBackfillStore implements BackfillStore {
  readonly #client: DynamoDBClient
  readonly #tableName: string
  readonly #documents: VersionedDocuments

  constructor(options: { readonly client: DynamoDBClient; readonly tableName: string }) {
    this.#client = options.client
    this.#tableName = options.tableName
    this.#documents = new VersionedDocuments(options)
  }

  load(id: string): Promise<Stored<Backfill> | undefined> {
    return this.#documents.load<Backfill>(BACKFILLS, id)
  }

  save(backfill: Backfill, revisionRead: number | undefined): Promise<boolean> {
    return this.#documents.replace(BACKFILLS, backfill.id, backfill, revisionRead)
  }

  async list(): Promise<readonly Backfill[]> {
    const items = await this.#query(BACKFILLS)
    return items.map((item) => JSON.parse(item.document!.S!) as Backfill)
  }

  async recordChunk(id: string, record: ChunkRecord, staleBeforeMs: number): Promise<ChunkRecord> {
    const key = itemKey(partitionOf(id), chunkKey(record.round, record.chunk))
    try {
      await this.#client.send(
        new PutItemCommand({
          TableName: this.#tableName,
          Item: {
            ...key,
            document: { S: JSON.stringify(record) },
            atMs: { N: String(record.atMs) },
          },
          ConditionExpression: 'attribute_not_exists(#atMs) OR #atMs < :stale',
          ExpressionAttributeNames: { '#atMs': 'atMs' },
          ExpressionAttributeValues: { ':stale': { N: String(staleBeforeMs) } },
        }),
      )
      return record
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw error
      // Somebody else's, or this very call's whose answer was lost.
      return (await this.chunk(id, record.round, record.chunk))!
    }
  }

  async chunk(id: string, round: number, chunk: string): Promise<ChunkRecord | undefined> {
    const item = await this.#get(partitionOf(id), chunkKey(round, chunk))
    return item && (JSON.parse(item.document!.S!) as ChunkRecord)
  }

  async chunks(id: string): Promise<readonly ChunkRecord[]> {
    const items = await this.#query(partitionOf(id), CHUNK)
    return items.map((item) => JSON.parse(item.document!.S!) as ChunkRecord)
  }

  async spend(id: string, units: Units): Promise<void> {
    const meters = Object.entries(units)
    if (meters.length === 0) return
    // Adding is not repeatable: a try of the SDK's own whose answer was lost counts twice, and the bill did, too.
    await this.#client.send(
      new UpdateItemCommand({
        TableName: this.#tableName,
        Key: itemKey(partitionOf(id), SPENT),
        UpdateExpression: `ADD ${meters.map((_, i) => `#m${i} :m${i}`).join(', ')}`,
        ExpressionAttributeNames: Object.fromEntries(
          meters.map(([meter], i) => [`#m${i}`, `${METER}${meter}`]),
        ),
        ExpressionAttributeValues: Object.fromEntries(
          meters.map(([, count], i) => [`:m${i}`, { N: String(count) }]),
        ),
      }),
    )
  }

  async spent(id: string): Promise<Units> {
    const item = (await this.#get(partitionOf(id), SPENT)) ?? {}
    return Object.fromEntries(
      Object.entries(item).flatMap(([name, { N: count }]) =>
        name.startsWith(METER) ? [[name.slice(METER.length), Number(count)]] : [],
      ),
    )
  }

  loadLocks(table: string): Promise<Stored<RangeLocks> | undefined> {
    return this.#documents.load<RangeLocks>(LOCKS, table)
  }

  saveLocks(table: string, locks: RangeLocks, revisionRead: number | undefined): Promise<boolean> {
    return this.#documents.replace(LOCKS, table, locks, revisionRead)
  }

  async #get(partition: string, sort: string): Promise<Item | undefined> {
    const { Item: item } = await this.#client.send(
      new GetItemCommand({
        TableName: this.#tableName,
        Key: itemKey(partition, sort),
        ConsistentRead: true,
      }),
    )
    return item
  }

  async #query(partition: string, prefix?: string): Promise<readonly Item[]> {
    const items: Item[] = []
    let from: Item | undefined
    do {
      const page: { Items?: Item[]; LastEvaluatedKey?: Item } = await this.#client.send(
        new QueryCommand({
          TableName: this.#tableName,
          ConsistentRead: true,
          KeyConditionExpression: `#pk = :pk${prefix === undefined ? '' : ' AND begins_with(#sk, :sk)'}`,
          ExpressionAttributeNames: {
            '#pk': ITEM_KEYS.partition,
            ...(prefix === undefined ? {} : { '#sk': ITEM_KEYS.sort }),
          },
          ExpressionAttributeValues: {
            ':pk': { S: partition },
            ...(prefix === undefined ? {} : { ':sk': { S: prefix } }),
          },
          ...(from ? { ExclusiveStartKey: from } : {}),
        }),
      )
      items.push(...(page.Items ?? []))
      from = page.LastEvaluatedKey
    } while (from !== undefined)
    return items
  }
}

function chunkKey(round: number, chunk: string): string {
  return `${CHUNK}${round}#${chunk}`
}
