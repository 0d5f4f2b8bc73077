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
import { contentHash } from '#lib/domain/kernel/content-hash.ts'
import { inParallel } from '#lib/domain/kernel/in-parallel.ts'
import {
  parsePredecessor,
  parseSequenceNumber,
  type SequenceNumber,
  START,
} from '#lib/domain/kernel/sequence-number.ts'
import { isoOf, type Micros } from '#lib/domain/kernel/time.ts'
import type {
  AdvancedCursor,
  Cursor,
  FinalProgress,
  PaneMembers,
  Slot,
  SlotKey,
  SlotStore,
  SlotWrite,
} from '#lib/domain/process/slot-store.ts'
import { ITEM_KEYS, type Item, itemKey } from './item-keys.ts'

const BATCH_GET_LIMIT = 100
const WRITES_AT_ONCE = 16
/** Of the keys in one item, far below the 400 KB that an item may have. */
const MAX_MEMBER_BYTES = 100_000
/** Panes of which one instance remembers that they are registered. */
const MAX_KNOWN_PANES = 100_000
/** The attribute that DynamoDB's expiry goes by, in seconds. */
export const EXPIRY_ATTRIBUTE = 'expiresAt'

export interface DynamoDbSlotStoreOptions {
  readonly client: DynamoDBClient
  readonly tableName: string
  /** Over how many partitions a view's slots of one key are spread. @default 1 for each view */
  readonly subSlots?: ReadonlyMap<string, number>
}

/**
 * Window slots in DynamoDB: partition `slot#<view>#<key>`, sort `<pane start>#<shard>`, so that the panes of a key are
 * one query. In the same table: `cursor#<view>`, `panes#<view>` (which panes there are), `members#<view>#<pane start>`
 * (which keys a pane has) and `final#<view>`.
 */
export class DynamoDbSlotStore implements SlotStore {
  readonly #client: DynamoDBClient
  readonly #tableName: string
  readonly #subSlots: ReadonlyMap<string, number>
  /** Registered before: an item that is there need not be put again by this instance. */
  readonly #knownPanes = new Set<string>()

  constructor(options: DynamoDbSlotStoreOptions) {
    this.#client = options.client
    this.#tableName = options.tableName
    this.#subSlots = options.subSlots ?? new Map()
  }

  async cursor(view: string, shard: string): Promise<Cursor> {
    const item = await this.#get(itemKey(`cursor#${view}`, shard))
    if (item === undefined) return { position: START }
    return {
      position: parsePredecessor(item.sequence!.S!),
      definition: item.definition!.S!,
      ...(item.lastEvent === undefined ? {} : { maxEventTime: Number(item.lastEvent.N) }),
    }
  }

  async advanceCursor(view: string, shard: string, to: AdvancedCursor): Promise<void> {
    const { position, definition, maxEventTime } = to
    const time = maxEventTime === undefined ? undefined : { N: String(maxEventTime) }
    // Refused: it already stands there or further on, because another invocation was quicker.
    await this.#update({
      Key: itemKey(`cursor#${view}`, shard),
      UpdateExpression: `SET #sequence = :to, #definition = :definition${time ? ', #time = :time' : ''}`,
      ConditionExpression: 'attribute_not_exists(#sequence) OR #sequence < :to',
      ExpressionAttributeNames: {
        '#sequence': 'sequence',
        '#definition': 'definition',
        ...(time ? { '#time': 'lastEvent' } : {}),
      },
      ExpressionAttributeValues: {
        ':to': { S: position },
        ':definition': { S: definition },
        ...(time ? { ':time': time } : {}),
      },
    })
  }

  async read(keys: readonly SlotKey[]): Promise<readonly Slot[]> {
    const chunks: SlotKey[][] = []
    for (let at = 0; at < keys.length; at += BATCH_GET_LIMIT) {
      chunks.push(keys.slice(at, at + BATCH_GET_LIMIT))
    }
    const read = await inParallel(chunks, WRITES_AT_ONCE, (chunk) => this.#readChunk(chunk))
    return read.flat()
  }

  async #readChunk(keys: readonly SlotKey[]): Promise<readonly Slot[]> {
    const slots: Slot[] = []
    let wanted: Item[] | undefined = keys.map((key) => this.#slotKey(key))
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
    return slots
  }

  async write(slot: Slot, sequenceRead: SequenceNumber | undefined): Promise<boolean> {
    try {
      await this.#client.send(
        new PutItemCommand({
          TableName: this.#tableName,
          // An expiry that was set for what the slot held before goes with it: what is new is not final yet.
          Item: {
            ...this.#slotKey(slot),
            states: { S: JSON.stringify(slot.states) },
            sequence: { S: slot.sequence },
            firstEvent: { N: String(slot.eventTime.min) },
            lastEvent: { N: String(slot.eventTime.max) },
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

  async writeAll(writes: readonly SlotWrite[]): Promise<readonly boolean[]> {
    // DynamoDB's batches take no conditions, and a transaction costs twice the units.
    return inParallel(writes, WRITES_AT_ONCE, ({ slot, sequenceRead }) =>
      this.write(slot, sequenceRead),
    )
  }

  async range(
    view: string,
    key: string,
    from: Micros,
    to: Micros,
    { consistent }: { readonly consistent: boolean },
  ): Promise<readonly Slot[]> {
    const found = await inParallel(this.#partitions(view, key), WRITES_AT_ONCE, async (pk) => {
      const slots: Slot[] = []
      // '~' sorts after every shard id: all shards' slots of a pane that starts exactly then.
      const between = { from: firstSort(from), to: `${isoOf(to)}#~` }
      for await (const item of this.#query(pk, between, consistent)) slots.push(slotOf(item))
      return slots
    })
    return found.flat().sort((a, b) => a.paneStart - b.paneStart || (a.shard < b.shard ? -1 : 1))
  }

  async newestPane(view: string, key: string, atOrBefore: Micros): Promise<readonly Slot[]> {
    const found = await inParallel(this.#partitions(view, key), WRITES_AT_ONCE, (pk) =>
      this.#newestOf(pk, atOrBefore),
    )
    const slots = found.flat()
    const newest = slots.reduce((most, slot) => Math.max(most, slot.paneStart), -Infinity)
    return slots.filter((slot) => slot.paneStart === newest)
  }

  async #newestOf(partition: string, atOrBefore: Micros): Promise<readonly Slot[]> {
    const slots: Slot[] = []
    let from: Item | undefined
    do {
      const page: Page = await this.#client.send(
        new QueryCommand({
          TableName: this.#tableName,
          KeyConditionExpression: '#key = :key AND #pane <= :pane',
          ExpressionAttributeNames: { '#key': ITEM_KEYS.partition, '#pane': ITEM_KEYS.sort },
          ExpressionAttributeValues: {
            ':key': { S: partition },
            ':pane': { S: `${isoOf(atOrBefore)}#~` },
          },
          ScanIndexForward: false,
          Limit: 16,
          ...(from ? { ExclusiveStartKey: from } : {}),
        }),
      )
      for (const slot of (page.Items ?? []).map(slotOf)) {
        if (slots[0] !== undefined && slot.paneStart !== slots[0].paneStart) return slots
        slots.push(slot)
      }
      from = page.LastEvaluatedKey
    } while (from !== undefined)
    return slots
  }

  async expire(slots: readonly Slot[], atMs: number): Promise<void> {
    await inParallel(slots, WRITES_AT_ONCE, (slot) =>
      // Refused: it was revised since it was read, so it is not final as it stands.
      this.#update({
        Key: this.#slotKey(slot),
        UpdateExpression: 'SET #expiry = :at',
        ConditionExpression: '#sequence = :read',
        ExpressionAttributeNames: { '#sequence': 'sequence', '#expiry': EXPIRY_ATTRIBUTE },
        ExpressionAttributeValues: { ':read': { S: slot.sequence }, ':at': secondsOf(atMs) },
      }),
    )
  }

  async addMembers(
    view: string,
    shard: string,
    panes: ReadonlyMap<Micros, readonly string[]>,
  ): Promise<void> {
    const chunks = [...panes].flatMap(([paneStart, keys]) =>
      chunked(keys).map((chunk) => ({ paneStart, chunk })),
    )
    await inParallel(chunks, WRITES_AT_ONCE, async ({ paneStart, chunk }) => {
      // The pane before its members: members of a pane that nobody lists would never be closed.
      await this.#register(view, paneStart)
      const keys = JSON.stringify(chunk)
      const sort = `${shard}#${contentHash(Buffer.from(keys))}`
      await this.#put({ ...itemKey(membersOf(view, paneStart), sort), keys: { S: keys } })
    })
  }

  async #register(view: string, paneStart: Micros): Promise<void> {
    const id = `${view}#${paneStart}`
    if (this.#knownPanes.has(id)) return
    await this.#put(itemKey(`panes#${view}`, isoOf(paneStart)))
    if (this.#knownPanes.size >= MAX_KNOWN_PANES) this.#knownPanes.clear()
    this.#knownPanes.add(id)
  }

  async *panes(view: string, from: Micros, to: Micros): AsyncGenerator<Micros> {
    const between = { from: firstSort(from), to: isoOf(to) }
    for await (const item of this.#query(`panes#${view}`, between, true)) {
      yield Date.parse(item[ITEM_KEYS.sort]!.S!) * 1000
    }
  }

  async *members(view: string, paneStart: Micros): AsyncGenerator<PaneMembers> {
    for await (const item of this.#query(membersOf(view, paneStart), undefined, true)) {
      const sort = item[ITEM_KEYS.sort]!.S!
      yield { shard: sort.slice(0, sort.lastIndexOf('#')), keys: JSON.parse(item.keys!.S!) }
    }
  }

  async expirePane(view: string, paneStart: Micros, atMs: number): Promise<void> {
    const members = membersOf(view, paneStart)
    for await (const item of this.#query(members, undefined, true)) {
      await this.#expireItem(itemKey(members, item[ITEM_KEYS.sort]!.S!), atMs)
    }
    await this.#expireItem(itemKey(`panes#${view}`, isoOf(paneStart)), atMs)
  }

  #expireItem(key: Item, atMs: number): Promise<void> {
    return this.#update({
      Key: key,
      UpdateExpression: 'SET #expiry = :at',
      ConditionExpression: 'attribute_exists(#key)',
      ExpressionAttributeNames: { '#key': ITEM_KEYS.partition, '#expiry': EXPIRY_ATTRIBUTE },
      ExpressionAttributeValues: { ':at': secondsOf(atMs) },
    })
  }

  async finalProgress(view: string): Promise<FinalProgress | undefined> {
    const item = await this.#get(itemKey(`final#${view}`, 'progress'))
    if (item === undefined) return undefined
    return { closed: Number(item.closed!.N), fences: JSON.parse(item.fences!.S!) }
  }

  async advanceFinalProgress(view: string, { closed, fences }: FinalProgress): Promise<void> {
    await this.#update({
      Key: itemKey(`final#${view}`, 'progress'),
      UpdateExpression: 'SET #closed = :closed, #fences = :fences',
      ConditionExpression: 'attribute_not_exists(#closed) OR #closed <= :closed',
      ExpressionAttributeNames: { '#closed': 'closed', '#fences': 'fences' },
      ExpressionAttributeValues: {
        ':closed': { N: String(closed) },
        ':fences': { S: JSON.stringify(fences) },
      },
    })
  }

  #partitions(view: string, key: string): readonly string[] {
    const count = this.#subSlots.get(view) ?? 1
    return Array.from({ length: count }, (_, sub) => slotPartition(view, key, sub))
  }

  #slotKey({ view, key, paneStart, shard }: SlotKey): Item {
    const count = this.#subSlots.get(view) ?? 1
    const sub = count === 1 ? 0 : hashOf(shard) % count
    return itemKey(slotPartition(view, key, sub), `${isoOf(paneStart)}#${shard}`)
  }

  async #get(key: Item): Promise<Item | undefined> {
    const answer = await this.#client.send(
      new GetItemCommand({ TableName: this.#tableName, Key: key, ConsistentRead: true }),
    )
    return answer.Item
  }

  async #put(item: Item): Promise<void> {
    await this.#client.send(new PutItemCommand({ TableName: this.#tableName, Item: item }))
  }

  /** A refused condition is an answer, not a failure: someone else was there. */
  async #update(
    input: Omit<ConstructorParameters<typeof UpdateItemCommand>[0], 'TableName'>,
  ): Promise<void> {
    try {
      await this.#client.send(new UpdateItemCommand({ TableName: this.#tableName, ...input }))
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw error
    }
  }

  async *#query(
    partition: string,
    between: { readonly from: string; readonly to: string } | undefined,
    consistent: boolean,
  ): AsyncGenerator<Item> {
    let from: Item | undefined
    do {
      const page: Page = await this.#client.send(
        new QueryCommand({
          TableName: this.#tableName,
          KeyConditionExpression:
            between === undefined ? '#key = :key' : '#key = :key AND #sort BETWEEN :from AND :to',
          ExpressionAttributeNames: {
            '#key': ITEM_KEYS.partition,
            ...(between === undefined ? {} : { '#sort': ITEM_KEYS.sort }),
          },
          ExpressionAttributeValues: {
            ':key': { S: partition },
            ...(between === undefined
              ? {}
              : { ':from': { S: between.from }, ':to': { S: between.to } }),
          },
          ConsistentRead: consistent,
          ...(from ? { ExclusiveStartKey: from } : {}),
        }),
      )
      yield* page.Items ?? []
      from = page.LastEvaluatedKey
    } while (from !== undefined)
  }
}

type Unprocessed = Record<string, { Keys: Item[] | undefined }>
type Page = { Items?: Item[]; LastEvaluatedKey?: Item }

/** A view name has no '#': what follows the second one is the key, whatever is in it. */
function slotPartition(view: string, key: string, sub: number): string {
  return sub === 0 ? `slot#${view}#${key}` : `slot.${sub}#${view}#${key}`
}

/** Panes start on whole milliseconds, and keys are as exact: a time between two of them begins at the later one. */
function firstSort(from: Micros): string {
  return isoOf(Math.ceil(from / 1000) * 1000)
}

function membersOf(view: string, paneStart: Micros): string {
  return `members#${view}#${isoOf(paneStart)}`
}

export function slotOf(item: Item): Slot {
  const [, view] = item[ITEM_KEYS.partition]!.S!.split('#', 2)
  const partition = item[ITEM_KEYS.partition]!.S!
  const sort = item[ITEM_KEYS.sort]!.S!
  return {
    view: view!,
    key: partition.slice(partition.indexOf(`#${view}#`) + view!.length + 2),
    paneStart: Date.parse(sort.slice(0, sort.indexOf('#'))) * 1000,
    shard: sort.slice(sort.indexOf('#') + 1),
    states: JSON.parse(item.states!.S!),
    eventTime: { min: Number(item.firstEvent!.N), max: Number(item.lastEvent!.N) },
    sequence: parseSequenceNumber(item.sequence!.S!),
    computedAtMs: Number(item.computedAt!.N),
  }
}

function secondsOf(ms: number): AttributeValue {
  return { N: String(Math.ceil(ms / 1000)) }
}

function chunked(keys: readonly string[]): readonly (readonly string[])[] {
  const chunks: string[][] = []
  let bytes = MAX_MEMBER_BYTES
  for (const key of keys) {
    // Escaping makes a key of control characters six times as long.
    bytes += 6 * Buffer.byteLength(key) + 3
    if (bytes > MAX_MEMBER_BYTES) {
      chunks.push([])
      bytes = 6 * Buffer.byteLength(key) + 3
    }
    chunks.at(-1)!.push(key)
  }
  return chunks
}

/** Stable for ever: where a slot lies depends on it. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193)
  return hash >>> 0
}
