import {
  BatchWriteItemCommand,
  type DynamoDBClient,
  ScanCommand,
  type WriteRequest,
} from '@aws-sdk/client-dynamodb'
import { inParallel } from '#lib/domain/kernel/in-parallel.ts'
import type { Slot, SlotInventory } from '#lib/domain/process/slot-store.ts'
import { slotOf } from './dynamodb-slot-store.ts'
import { ITEM_KEYS, type Item } from './item-keys.ts'

/** Most items that DynamoDB takes at once. */
const WRITES_PER_CALL = 25
const CALLS_AT_ONCE = 4
const MOST_PAUSE_MS = 5_000

export interface DynamoDbSlotInventoryProps {
  readonly client: DynamoDBClient
  readonly tableName: string
  readonly sleep: (ms: number) => Promise<void>
}

/** Goes through the whole slots table: a read unit for each 4 KB of it, whichever views are asked for. */
export class DynamoDbSlotInventory implements SlotInventory {
  readonly #props: DynamoDbSlotInventoryProps

  constructor(props: DynamoDbSlotInventoryProps) {
    this.#props = props
  }

  async *slotsOf(views: ReadonlySet<string>): AsyncGenerator<readonly Slot[]> {
    for await (const items of this.#scan()) {
      const slots = items.filter((item) => {
        const { kind, view } = placeOf(item)
        return kind.startsWith('slot') && views.has(view)
      })
      if (slots.length > 0) yield slots.map(slotOf)
    }
  }

  async removeViews(views: ReadonlySet<string>): Promise<number> {
    let removed = 0
    for await (const items of this.#scan([ITEM_KEYS.partition, ITEM_KEYS.sort])) {
      const keys = items.filter((item) => views.has(placeOf(item).view))
      await this.#remove(keys)
      removed += keys.length
    }
    return removed
  }

  /** Removes the slots of these keys, of whatever view; how many there were. */
  async removeKeys(keys: ReadonlySet<string>): Promise<number> {
    let removed = 0
    for await (const items of this.#scan([ITEM_KEYS.partition, ITEM_KEYS.sort])) {
      const found = items.filter((item) => {
        const { kind, key } = placeOf(item)
        return kind.startsWith('slot') && keys.has(key)
      })
      await this.#remove(found)
      removed += found.length
    }
    return removed
  }

  async *#scan(attributes?: readonly string[]): AsyncGenerator<readonly Item[]> {
    let from: Item | undefined
    do {
      const page: { Items?: Item[]; LastEvaluatedKey?: Item } = await this.#props.client.send(
        new ScanCommand({
          TableName: this.#props.tableName,
          ConsistentRead: true,
          ...(attributes === undefined
            ? {}
            : {
                ProjectionExpression: attributes.map((_, i) => `#a${i}`).join(', '),
                ExpressionAttributeNames: Object.fromEntries(
                  attributes.map((name, i) => [`#a${i}`, name]),
                ),
              }),
          ...(from ? { ExclusiveStartKey: from } : {}),
        }),
      )
      yield page.Items ?? []
      from = page.LastEvaluatedKey
    } while (from !== undefined)
  }

  async #remove(keys: readonly Item[]): Promise<void> {
    const chunks: Item[][] = []
    for (let at = 0; at < keys.length; at += WRITES_PER_CALL) {
      chunks.push(keys.slice(at, at + WRITES_PER_CALL))
    }
    await inParallel(chunks, CALLS_AT_ONCE, async (chunk) => {
      let wanted: WriteRequest[] | undefined = chunk.map((Key) => ({ DeleteRequest: { Key } }))
      for (let pauseMs = 50; wanted !== undefined && wanted.length > 0; pauseMs *= 2) {
        const answer: { UnprocessedItems?: Record<string, WriteRequest[]> } =
          await this.#props.client.send(
            new BatchWriteItemCommand({ RequestItems: { [this.#props.tableName]: wanted } }),
          )
        wanted = answer.UnprocessedItems?.[this.#props.tableName]
        if (wanted !== undefined && wanted.length > 0) {
          await this.#props.sleep(Math.min(pauseMs, MOST_PAUSE_MS))
        }
      }
    })
  }
}

/** What an item is, of which view, and of which key if it is a slot: the parts of its partition. A view name has no '#'. */
function placeOf(item: Item) {
  const partition = item[ITEM_KEYS.partition]!.S!
  const [kind = '', view = ''] = partition.split('#', 2)
  return { kind, view, key: partition.slice(kind.length + view.length + 2) }
}
