import {
  ConditionalCheckFailedException,
  DeleteItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb'
import type {
  CertificateLink,
  ErasureLedger,
  LegalHold,
  RecordedErasure,
} from '#lib/domain/privacy/erasure-ledger.ts'
import type { Tombstone } from '#lib/domain/privacy/key-table.ts'
import { ITEM_KEYS, type Item, itemKey } from './item-keys.ts'

/** Tombstones are spread over so many partitions, by the first character of the hash. */
const BUCKETS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const CERTIFICATES = 'certificates'
const NUMBER_DIGITS = 12

/** The ledger of one cell's erasures in DynamoDB: every item is created once; only a hold is ever removed. */
export class DynamoDbErasureLedger implements ErasureLedger {
  readonly #client: DynamoDBClient
  readonly #tableName: string

  constructor(options: { readonly client: DynamoDBClient; readonly tableName: string }) {
    this.#client = options.client
    this.#tableName = options.tableName
  }

  async record(erasure: RecordedErasure): Promise<RecordedErasure> {
    const { lookup, erasedAt, token } = erasure
    const key = itemKey(tombstonesAt(lookup), lookup)
    const pending: Item = token === undefined ? {} : { token: { S: token } }
    if (await this.#create({ ...key, erasedAt: { S: erasedAt }, ...pending })) return erasure
    const known = await this.#get(key)
    if (known === undefined) return erasure
    const left = known.token?.S
    return { lookup, erasedAt: known.erasedAt!.S!, ...(left === undefined ? {} : { token: left }) }
  }

  async settle(lookup: string): Promise<void> {
    await this.#client.send(
      new UpdateItemCommand({
        TableName: this.#tableName,
        Key: itemKey(tombstonesAt(lookup), lookup),
        UpdateExpression: 'REMOVE #token',
        ExpressionAttributeNames: { '#token': 'token' },
      }),
    )
  }

  async *tombstones(): AsyncIterable<readonly Tombstone[]> {
    for (const bucket of BUCKETS) {
      for await (const items of this.#query(tombstonesAt(bucket))) {
        yield items.map((item) => ({
          lookup: item[ITEM_KEYS.sort]!.S!,
          erasedAt: item.erasedAt!.S!,
        }))
      }
    }
  }

  async hold(lookup: string): Promise<LegalHold | undefined> {
    const item = await this.#get(itemKey(`hold#${lookup}`, 'hold'))
    return item && { lookup, reason: item.reason!.S!, since: item.since!.S! }
  }

  async placeHold({ lookup, reason, since }: LegalHold): Promise<void> {
    const Item = {
      ...itemKey(`hold#${lookup}`, 'hold'),
      reason: { S: reason },
      since: { S: since },
    }
    await this.#client.send(new PutItemCommand({ TableName: this.#tableName, Item }))
  }

  async liftHold(lookup: string): Promise<boolean> {
    const { Attributes: before } = await this.#client.send(
      new DeleteItemCommand({
        TableName: this.#tableName,
        Key: itemKey(`hold#${lookup}`, 'hold'),
        ReturnValues: 'ALL_OLD',
      }),
    )
    return before !== undefined
  }

  async lastCertificate(): Promise<CertificateLink | undefined> {
    for await (const items of this.#query(CERTIFICATES, { isNewestOnly: true })) {
      const [item] = items
      return item && linkOf(item)
    }
    return undefined
  }

  async certificate(number: number): Promise<CertificateLink | undefined> {
    const item = await this.#get(itemKey(CERTIFICATES, numberText(number)))
    return item && linkOf(item)
  }

  async appendCertificate({ number, hash }: CertificateLink): Promise<boolean> {
    return this.#create({ ...itemKey(CERTIFICATES, numberText(number)), hash: { S: hash } })
  }

  async #create(item: Item): Promise<boolean> {
    try {
      await this.#client.send(
        new PutItemCommand({
          TableName: this.#tableName,
          Item: item,
          ConditionExpression: 'attribute_not_exists(#id)',
          ExpressionAttributeNames: { '#id': ITEM_KEYS.partition },
        }),
      )
      return true
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return false
      throw error
    }
  }

  async #get(key: Item): Promise<Item | undefined> {
    const { Item: item } = await this.#client.send(
      new GetItemCommand({ TableName: this.#tableName, Key: key, ConsistentRead: true }),
    )
    return item
  }

  async *#query(partition: string, { isNewestOnly = false } = {}): AsyncGenerator<readonly Item[]> {
    let from: Item | undefined
    do {
      const page: { Items?: Item[]; LastEvaluatedKey?: Item } = await this.#client.send(
        new QueryCommand({
          TableName: this.#tableName,
          ConsistentRead: true,
          KeyConditionExpression: '#id = :id',
          ExpressionAttributeNames: { '#id': ITEM_KEYS.partition },
          ExpressionAttributeValues: { ':id': { S: partition } },
          ...(isNewestOnly ? { ScanIndexForward: false, Limit: 1 } : {}),
          ...(from === undefined ? {} : { ExclusiveStartKey: from }),
        }),
      )
      yield page.Items ?? []
      from = page.LastEvaluatedKey
    } while (from !== undefined)
  }
}

function tombstonesAt(lookup: string): string {
  return `tombstones#${lookup.charAt(0)}`
}

function numberText(number: number): string {
  return String(number).padStart(NUMBER_DIGITS, '0')
}

function linkOf(item: Item): CertificateLink {
  return { number: Number(item[ITEM_KEYS.sort]!.S), hash: item.hash!.S! }
}
