import { ConditionalCheckFailedException, type DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { between, type Choices } from '../kernel/choices.ts'
import {
  type Attribute,
  compareUtf8,
  type ExpressionInput,
  holds,
  type Item,
  updated,
} from './dynamodb-expressions.ts'
import type { Network } from './network.ts'
import type { Process } from './process.ts'
import { withoutStack } from './service-errors.ts'

export interface ItemChange {
  readonly table: string
  readonly partition: string
  readonly sort: string
  readonly before: Item | undefined
  readonly after: Item | undefined
}

interface Version {
  readonly atMs: number
  readonly item: Item | undefined
}

interface WriteInput extends ExpressionInput {
  readonly TableName: string
  readonly Item?: Item
  readonly Key?: Item
  readonly ConditionExpression?: string
  readonly UpdateExpression?: string
  readonly ReturnValues?: string
}

interface QueryInput extends ExpressionInput {
  readonly TableName: string
  readonly KeyConditionExpression: string
  readonly ConsistentRead?: boolean
  readonly ScanIndexForward?: boolean
  readonly Limit?: number
  readonly ExclusiveStartKey?: Item
}

interface GetInput {
  readonly TableName: string
  readonly Key: Item
  readonly ConsistentRead?: boolean
}

interface BatchGetInput {
  readonly RequestItems: Readonly<
    Record<string, { readonly Keys: readonly Item[]; readonly ConsistentRead?: boolean }>
  >
}

/** How far an eventually consistent read may lie behind. */
const MOST_STALE_MS = 10_000
/** Items go within a few days of their expiry, and are read until they do. */
const MOST_KEPT_MS = 48 * 3_600_000

/**
 * DynamoDB as it is documented: conditional writes on one item are atomic; a read that does not ask for consistency
 * may answer with what was a while ago; a query gives a page, which may be short; a batch get may leave keys out; an
 * item goes some time after its expiry. Every table has `pk` and `sk`.
 */
export class DynamoDbModel {
  readonly #network: Network
  readonly #choices: Choices
  readonly #nowMs: () => number
  readonly #onChange: (change: ItemChange) => void
  /** All versions of an item, newest last, by table, partition and sort key. */
  readonly #tables = new Map<string, Map<string, Map<string, Version[]>>>()
  /** The sort keys of a partition in their order, until another comes. */
  readonly #sorted = new WeakMap<Map<string, Version[]>, readonly string[]>()

  constructor(options: {
    readonly network: Network
    readonly choices: Choices
    readonly nowMs: () => number
    readonly onChange: (change: ItemChange) => void
  }) {
    this.#network = options.network
    this.#choices = options.choices
    this.#nowMs = options.nowMs
    this.#onChange = options.onChange
  }

  /** A client of one process. */
  client(process: Process): DynamoDBClient {
    const send = async (command: { readonly input: unknown }) => {
      const kind = command.constructor.name
      switch (kind) {
        case 'PutItemCommand':
        case 'UpdateItemCommand':
        case 'DeleteItemCommand':
          return this.#sendWrite(process, kind, command.input as WriteInput)
        case 'GetItemCommand':
          return this.#sendGet(process, command.input as GetInput)
        case 'QueryCommand':
          return this.#sendQuery(process, command.input as QueryInput)
        case 'BatchGetItemCommand':
          return this.#sendBatchGet(process, command.input as BatchGetInput)
        default:
          throw new Error(`the model of DynamoDB knows no ${kind}`)
      }
    }
    return { send } as unknown as DynamoDBClient
  }

  /** A client for checks: answers at once, with what there is. */
  inspector(): DynamoDBClient {
    const send = async (command: { readonly input: unknown }) => {
      if (command.constructor.name === 'GetItemCommand') {
        const { TableName, Key } = command.input as GetInput
        return { Item: this.item(TableName, Key.pk!.S!, Key.sk!.S!) }
      }
      const input = command.input as QueryInput
      return this.#query(input, partitionOf(input), this.#nowMs(), Number.POSITIVE_INFINITY)
    }
    return { send } as unknown as DynamoDBClient
  }

  /** An item as it stands, for checks. */
  item(table: string, partition: string, sort: string): Item | undefined {
    return this.#tables.get(table)?.get(partition)?.get(sort)?.at(-1)?.item
  }

  #sendWrite(process: Process, kind: string, input: WriteInput) {
    const { pk, sk } = (input.Item ?? input.Key)!
    return this.#network.send(process, {
      service: 'dynamodb',
      operation: kind.replace('Command', ''),
      target: `${input.TableName}/${pk!.S}/${sk!.S}`,
      isWrite: true,
      apply: () => this.#write(kind, input, pk!.S!, sk!.S!),
    })
  }

  /** Lets an item go whose time is over. Seen to when it is asked for: nobody can tell when it went. */
  #expire(table: string, partition: string, sort: string): void {
    const versions = this.#tables.get(table)?.get(partition)?.get(sort)
    const before = versions?.at(-1)?.item
    if (before?.expiresAt?.N === undefined) return
    const keptMs = this.#choices.random(`expiry ${partition}/${sort}`)() * MOST_KEPT_MS
    if (this.#nowMs() < 1000 * Number(before.expiresAt.N) + keptMs) return
    versions!.push({ atMs: this.#nowMs(), item: undefined })
    this.#onChange({ table, partition, sort, before, after: undefined })
  }

  #write(kind: string, input: WriteInput, partition: string, sort: string): object {
    this.#expire(input.TableName, partition, sort)
    const before = this.item(input.TableName, partition, sort)
    const condition = input.ConditionExpression
    if (condition !== undefined && !holds(condition, before ?? {}, input)) {
      throw withoutStack(
        () => new ConditionalCheckFailedException({ message: 'refused', $metadata: {} }),
      )
    }
    const after =
      kind === 'DeleteItemCommand'
        ? undefined
        : (input.Item ?? updated(input.UpdateExpression!, before ?? input.Key!, input))
    this.#versions(input.TableName, partition, sort).push({ atMs: this.#nowMs(), item: after })
    this.#onChange({ table: input.TableName, partition, sort, before, after })
    return input.ReturnValues === 'ALL_OLD' && before !== undefined ? { Attributes: before } : {}
  }

  #sendGet(process: Process, input: GetInput) {
    const { pk, sk } = input.Key
    const asOf = this.#asOf(process, input)
    return this.#network.send(process, {
      service: 'dynamodb',
      operation: 'GetItem',
      target: `${input.TableName}/${pk!.S}/${sk!.S}`,
      isWrite: false,
      apply: () => {
        const item = this.#read(input.TableName, pk!.S!, sk!.S!, asOf())
        return item === undefined ? {} : { Item: item }
      },
    })
  }

  #sendQuery(process: Process, input: QueryInput) {
    const asOf = this.#asOf(process, input)
    const partition = partitionOf(input)
    // A page ends at 1 MB, which a model need not fill: any number of items is one.
    const pageItems = this.#choices.deviate(
      `page ${process.name}#${process.calls + 1}`,
      (random) => (random() < 0.1 ? between(random, 1, 3) : undefined),
      [1],
    )
    return this.#network.send(process, {
      service: 'dynamodb',
      operation: 'Query',
      target: `${input.TableName}/${partition}`,
      isWrite: false,
      apply: () => this.#query(input, partition, asOf(), pageItems ?? Number.POSITIVE_INFINITY),
    })
  }

  #query(input: QueryInput, partition: string, atMs: number, pageItems: number) {
    const forward = input.ScanIndexForward !== false
    const sorts = this.#sortsOf(input.TableName, partition, forward)
    const after = input.ExclusiveStartKey?.sk?.S
    const limit = Math.min(input.Limit ?? Number.POSITIVE_INFINITY, pageItems)
    const found: Item[] = []
    for (const sort of sorts) {
      if (after !== undefined && compareUtf8(sort, after) * (forward ? 1 : -1) <= 0) continue
      const item = this.#read(input.TableName, partition, sort, atMs)
      if (item === undefined || !holds(input.KeyConditionExpression, item, input)) continue
      found.push(item)
      // A page that was ended says where, also if nothing follows.
      if (found.length >= limit) {
        return { Items: found, LastEvaluatedKey: { pk: item.pk!, sk: item.sk! } }
      }
    }
    return { Items: found }
  }

  #sortsOf(table: string, partition: string, forward: boolean): readonly string[] {
    const items = this.#tables.get(table)?.get(partition)
    if (items === undefined) return []
    let sorts = this.#sorted.get(items)
    if (sorts?.length !== items.size) {
      sorts = [...items.keys()].sort(compareUtf8)
      this.#sorted.set(items, sorts)
    }
    return forward ? sorts : sorts.toReversed()
  }

  #sendBatchGet(process: Process, input: BatchGetInput) {
    const asked = Object.entries(input.RequestItems).map(([table, { Keys, ConsistentRead }]) => ({
      table,
      keys: Keys,
      asOf: this.#asOf(process, { ConsistentRead: ConsistentRead ?? false }),
    }))
    const answered = this.#choices.deviate(
      `keys ${process.name}#${process.calls + 1}`,
      (random) => (random() < 0.05 ? between(random, 1, 3) : undefined),
      [1],
    )
    return this.#network.send(process, {
      service: 'dynamodb',
      operation: 'BatchGetItem',
      target: asked.map(({ table, keys }) => `${table} (${keys.length})`).join(),
      isWrite: false,
      apply: () => {
        const Responses: Record<string, Item[]> = {}
        const UnprocessedKeys: Record<string, { Keys: readonly Item[] }> = {}
        for (const { table, keys, asOf } of asked) {
          const atMs = asOf()
          const taken = keys.slice(0, answered)
          const found = taken.map(({ pk, sk }) => this.#read(table, pk!.S!, sk!.S!, atMs))
          Responses[table] = found.filter((item) => item !== undefined)
          if (taken.length < keys.length) {
            UnprocessedKeys[table] = { Keys: keys.slice(taken.length) }
          }
        }
        return { Responses, UnprocessedKeys }
      },
    })
  }

  /** The time that a read answers of, once it is applied. */
  #asOf(process: Process, input: { readonly ConsistentRead?: boolean }): () => number {
    if (input.ConsistentRead === true) return this.#nowMs
    const behindMs = this.#choices.deviate(
      `stale ${process.name}#${process.calls + 1}`,
      (random) => (random() < 0.3 ? Math.ceil(random() ** 2 * MOST_STALE_MS) : undefined),
      [10, MOST_STALE_MS],
    )
    return () => this.#nowMs() - (behindMs ?? 0)
  }

  #read(table: string, partition: string, sort: string, atMs: number): Item | undefined {
    this.#expire(table, partition, sort)
    const versions = this.#tables.get(table)?.get(partition)?.get(sort)
    return versions?.findLast((version) => version.atMs <= atMs)?.item
  }

  #versions(table: string, partition: string, sort: string): Version[] {
    const partitions = getOrAdd(this.#tables, table, () => new Map())
    return getOrAdd(
      getOrAdd(partitions, partition, () => new Map()),
      sort,
      () => [],
    )
  }
}

const EQUALITY = /(#?\w+)\s*=\s*(:\w+)/g
const equalities = new Map<string, readonly (readonly [name: string, value: string])[]>()

/** Of a key condition: the value that the partition key must have. */
function partitionOf(input: QueryInput): string {
  const { KeyConditionExpression: text } = input
  const found =
    equalities.get(text) ??
    [...text.matchAll(EQUALITY)].map(([, name, value]) => [name!, value!] as const)
  equalities.set(text, found)
  for (const [name, value] of found) {
    const attribute: Attribute | undefined = input.ExpressionAttributeValues?.[value]
    const isPartition = (input.ExpressionAttributeNames?.[name] ?? name) === 'pk'
    if (isPartition && attribute?.S !== undefined) return attribute.S
  }
  throw new Error(`no partition in the key condition ${text}`)
}

export function getOrAdd<K, V>(map: Map<K, V>, key: K, create: () => V): V {
  const known = map.get(key)
  if (known !== undefined) return known
  const created = create()
  map.set(key, created)
  return created
}
