import {
  BatchGetItemCommand,
  ConditionalCheckFailedException,
  DeleteItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
} from '@aws-sdk/client-dynamodb'
import { PlatformError } from '#lib/domain/kernel/errors.ts'
import { inParallel } from '#lib/domain/kernel/in-parallel.ts'
import {
  type BranchRecord,
  isErased,
  type KeyTable,
  type SubjectRecord,
  type SubjectState,
  type Tombstone,
} from '#lib/domain/privacy/key-table.ts'
import { ITEM_KEYS, type Item } from './item-keys.ts'

/** What DynamoDB takes in one call. */
const MOST_KEYS = 100
const READS_AT_ONCE = 8
/** Of one call whose items were not all read; the pause doubles from the first to the last. */
const ATTEMPTS = 6
const FIRST_PAUSE_MS = 25

type Kind = 'subject' | 'token' | 'branch'

/**
 * The keys of a cell in DynamoDB: an item per person, one per token, one per branch key, each under a partition of its
 * own. Every read is consistent; what is made is made if it is absent.
 */
export class DynamoDbKeyTable implements KeyTable {
  readonly #client: DynamoDBClient
  readonly #tableName: string

  constructor(options: { readonly client: DynamoDBClient; readonly tableName: string }) {
    this.#client = options.client
    this.#tableName = options.tableName
  }

  async subjects(lookups: readonly string[]): Promise<readonly SubjectState[]> {
    const chunks: (readonly string[])[] = []
    for (let i = 0; i < lookups.length; i += MOST_KEYS) chunks.push(lookups.slice(i, i + MOST_KEYS))
    const found = await inParallel(chunks, READS_AT_ONCE, (chunk) => this.#readSome(chunk))
    return found.flat()
  }

  /** The token's item goes first: one that leads to another token's person is nobody's, a person without one is lost. */
  async createSubject(record: SubjectRecord): Promise<SubjectState> {
    const { lookup, token, version, branch, wrapped } = record
    await this.#put('token', token, { lookup: { S: lookup } })
    const created = await this.#putIfAbsent('subject', lookup, {
      token: { S: token },
      version: { N: String(version) },
      branch: { S: branch },
      wrapped: { B: wrapped },
    })
    return created === undefined ? record : stateOf(lookup, created)
  }

  async lookupOf(token: string): Promise<string | undefined> {
    return (await this.#get('token', token))?.lookup?.S
  }

  async branch(id: string): Promise<BranchRecord | undefined> {
    const item = await this.#get('branch', id)
    return item === undefined ? undefined : { id, wrapped: item.wrapped!.B! }
  }

  async createBranch(record: BranchRecord): Promise<BranchRecord> {
    const { id, wrapped } = record
    const created = await this.#putIfAbsent('branch', id, { wrapped: { B: wrapped } })
    return created === undefined ? record : { id, wrapped: created.wrapped!.B! }
  }

  async erase({ lookup, erasedAt }: Tombstone): Promise<SubjectState | undefined> {
    const known = await this.#get('subject', lookup)
    const before = known === undefined ? undefined : stateOf(lookup, known)
    if (before !== undefined && isErased(before)) return before
    // The token's item first: once the person's is a tombstone, nobody would find it any more.
    if (before !== undefined) await this.#delete('token', before.token)
    const last = await this.#replace({ lookup, erasedAt })
    // Made in between: it goes the same way.
    if (last !== undefined && !isErased(last) && last.token !== before?.token) {
      await this.#delete('token', last.token)
    }
    return last ?? before
  }

  /** What stood where the tombstone stands now; another tombstone, which stays. */
  async #replace({ lookup, erasedAt }: Tombstone): Promise<SubjectState | undefined> {
    try {
      const replaced = await this.#client.send(
        new PutItemCommand({
          TableName: this.#tableName,
          Item: { ...keyOf('subject', lookup), erasedAt: { S: erasedAt } },
          ConditionExpression: 'attribute_not_exists(#erased)',
          ExpressionAttributeNames: { '#erased': 'erasedAt' },
          ReturnValues: 'ALL_OLD',
        }),
      )
      return replaced.Attributes && stateOf(lookup, replaced.Attributes)
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw error
      const known = await this.#get('subject', lookup)
      return known && stateOf(lookup, known)
    }
  }

  async #readSome(lookups: readonly string[]): Promise<SubjectState[]> {
    const found: SubjectState[] = []
    let keys: Item[] = lookups.map((lookup) => keyOf('subject', lookup))
    for (let attempt = 0; keys.length > 0; attempt++) {
      if (attempt === ATTEMPTS) {
        throw new PlatformError(
          'privacy.keysThrottled',
          `${keys.length} keys could not be read from the key table: it is throttled, and the batch is repeated`,
          { retryable: true },
        )
      }
      if (attempt > 0) await pause(FIRST_PAUSE_MS * 2 ** (attempt - 1))
      const answer = await this.#client.send(
        new BatchGetItemCommand({
          RequestItems: { [this.#tableName]: { Keys: keys, ConsistentRead: true } },
        }),
      )
      for (const item of answer.Responses?.[this.#tableName] ?? []) {
        found.push(stateOf(idOf('subject', item), item))
      }
      keys = answer.UnprocessedKeys?.[this.#tableName]?.Keys ?? []
    }
    return found
  }

  async #get(kind: Kind, id: string): Promise<Item | undefined> {
    const { Item: item } = await this.#client.send(
      new GetItemCommand({
        TableName: this.#tableName,
        Key: keyOf(kind, id),
        ConsistentRead: true,
      }),
    )
    return item
  }

  async #put(kind: Kind, id: string, attributes: Item): Promise<void> {
    await this.#client.send(
      new PutItemCommand({
        TableName: this.#tableName,
        Item: { ...keyOf(kind, id), ...attributes },
      }),
    )
  }

  /** What is there already, if anything is. */
  async #putIfAbsent(kind: Kind, id: string, attributes: Item): Promise<Item | undefined> {
    try {
      await this.#client.send(
        new PutItemCommand({
          TableName: this.#tableName,
          Item: { ...keyOf(kind, id), ...attributes },
          ConditionExpression: 'attribute_not_exists(#id)',
          ExpressionAttributeNames: { '#id': ITEM_KEYS.partition },
        }),
      )
      return undefined
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw error
      const found = await this.#get(kind, id)
      if (found !== undefined) return found
      throw new PlatformError(
        'privacy.keyVanished',
        `a ${kind} of the key table exists and cannot be read: was it deleted?`,
        { retryable: true },
      )
    }
  }

  async #delete(kind: Kind, id: string): Promise<void> {
    await this.#client.send(
      new DeleteItemCommand({ TableName: this.#tableName, Key: keyOf(kind, id) }),
    )
  }
}

function keyOf(kind: Kind, id: string): Item {
  return { [ITEM_KEYS.partition]: { S: `${kind}#${id}` }, [ITEM_KEYS.sort]: { S: kind } }
}

function idOf(kind: Kind, item: Item): string {
  return item[ITEM_KEYS.partition]!.S!.slice(kind.length + 1)
}

function stateOf(lookup: string, item: Item): SubjectState {
  if (item.erasedAt !== undefined) return { lookup, erasedAt: item.erasedAt.S! }
  return {
    lookup,
    token: item.token!.S!,
    version: Number(item.version!.N),
    branch: item.branch!.S!,
    wrapped: item.wrapped!.B!,
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
