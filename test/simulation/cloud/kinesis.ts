import { type KinesisClient, ResourceNotFoundException } from '@aws-sdk/client-kinesis'
import { type SequenceNumber, sequenceNumber } from '#lib/domain/kernel/sequence-number.ts'
import { between, type Choices } from '../kernel/choices.ts'
import type { Network } from './network.ts'
import type { Process } from './process.ts'

/** A record as the stream took it. What is in it is the sender's own affair. */
export interface AcceptedRecord<Content> {
  readonly shard: string
  readonly digits: string
  readonly sequence: SequenceNumber
  /** As it is stamped, which may lie before the record in front of it. */
  readonly arrivalMs: number
  /** When it truly came. */
  readonly acceptedMs: number
  readonly data: Uint8Array
  readonly content: Content
}

/** What a producer puts. */
export interface RecordInput<Content> {
  /** Place in the stream's key space, [0, 1). */
  readonly place: number
  readonly data: Uint8Array
  readonly content: Content
}

export interface Shard<Content> {
  readonly id: string
  readonly parents: readonly string[]
  readonly from: number
  readonly to: number
  readonly records: AcceptedRecord<Content>[]
  isClosed: boolean
  closedMs?: number
}

interface IteratorInput {
  readonly ShardId: string
  readonly ShardIteratorType: string
  readonly StartingSequenceNumber?: string
}

const SHARD_ID_DIGITS = 12
const LIST_PAGE_SIZE = 3

/**
 * A Kinesis stream: sequence numbers grow within the stream but not by one, and get longer; arrival stamps are
 * milliseconds and may go back a little; a split or merge closes its parents and everything later goes to the
 * children; a shard closed for longer than the retention is listed no more.
 */
export class KinesisModel<Content extends { readonly name: string }> {
  readonly #network: Network
  readonly #choices: Choices
  readonly #nowMs: () => number
  readonly #retentionMs: number
  readonly #mayForget: (shard: string) => boolean
  readonly #shards = new Map<string, Shard<Content>>()
  readonly #listeners: ((shard: Shard<Content>) => void)[] = []
  #lastSequence: bigint

  constructor(options: {
    readonly network: Network
    readonly choices: Choices
    readonly nowMs: () => number
    readonly shards: number
    /** How long a closed shard is listed; longer if it may not be forgotten then. */
    readonly retentionMs: number
    readonly mayForget: (shard: string) => boolean
  }) {
    this.#network = options.network
    this.#choices = options.choices
    this.#nowMs = options.nowMs
    this.#retentionMs = options.retentionMs
    this.#mayForget = options.mayForget
    // Close below a power of ten: numbers get a digit longer on the way.
    this.#lastSequence = 10n ** 20n - BigInt(between(options.choices.random('sequences'), 1, 400))
    for (let at = 0; at < options.shards; at++) {
      this.#open([], at / options.shards, (at + 1) / options.shards)
    }
  }

  get shards(): readonly Shard<Content>[] {
    return [...this.#shards.values()]
  }

  shard(id: string): Shard<Content> {
    return this.#shards.get(id)!
  }

  /** Calls back when a shard gets records, closes, or comes to be. */
  onChange(listener: (shard: Shard<Content>) => void): void {
    this.#listeners.push(listener)
  }

  /** PutRecords: each record is taken or not by itself. Resolves to whether it was; throws if there is no answer. */
  putRecords(
    process: Process,
    records: readonly RecordInput<Content>[],
  ): Promise<readonly boolean[]> {
    const name = `${process.name}#${process.calls + 1}`
    return this.#network.send(process, {
      service: 'kinesis',
      operation: 'PutRecords',
      target: `(${records.length})`,
      isWrite: true,
      apply: () =>
        records.map((record, at) => {
          const isRefused = this.#choices.deviate(
            `partial ${name}.${at}`,
            (random) => (random() < 0.02 ? true : undefined),
            [true],
          )
          if (isRefused) return false
          this.accept(record)
          return true
        }),
    })
  }

  /** Takes one record. */
  accept(input: RecordInput<Content>): AcceptedRecord<Content> {
    const shard = this.shards.find(
      (one) => !one.isClosed && one.from <= input.place && input.place < one.to,
    )!
    const { name } = input.content
    const random = this.#choices.random(`sequence ${name}`)
    this.#lastSequence += BigInt(between(random, 1, 40))
    const backMs = this.#choices.deviate(`stamp ${name}`, (chance) =>
      chance() < 0.1 ? between(chance, 1, chance() < 0.1 ? 180_000 : 1500) : undefined,
    )
    const record: AcceptedRecord<Content> = {
      shard: shard.id,
      digits: String(this.#lastSequence),
      sequence: sequenceNumber(String(this.#lastSequence)),
      arrivalMs: this.#nowMs() - (backMs ?? 0),
      acceptedMs: this.#nowMs(),
      data: input.data,
      content: input.content,
    }
    shard.records.push(record)
    this.#changed(shard)
    return record
  }

  /** Splits an open shard in two; false if there is none such. */
  split(id: string): boolean {
    const shard = this.#shards.get(id)
    if (shard === undefined || shard.isClosed) return false
    const middle = (shard.from + shard.to) / 2
    this.#close(shard)
    this.#open([id], shard.from, middle)
    this.#open([id], middle, shard.to)
    return true
  }

  /** Merges two open neighbours; false if they are not. */
  merge(left: string, right: string): boolean {
    const [a, b] = [this.#shards.get(left), this.#shards.get(right)]
    if (a === undefined || b === undefined || a.isClosed || b.isClosed || a.to !== b.from) {
      return false
    }
    this.#close(a)
    this.#close(b)
    this.#open([left, right], a.from, b.to)
    return true
  }

  /** A client of one process; of what reads, but for the mapping's own reading. */
  client(process: Process): KinesisClient {
    const send = async (command: { readonly input: unknown }) => {
      const kind = command.constructor.name
      switch (kind) {
        case 'ListShardsCommand': {
          const { NextToken = '' } = command.input as { readonly NextToken?: string }
          return this.#ask(process, 'ListShards', NextToken, () => this.#listShards(NextToken))
        }
        case 'GetShardIteratorCommand': {
          const input = command.input as IteratorInput
          return this.#ask(process, 'GetShardIterator', input.ShardId, () => this.#iterator(input))
        }
        case 'GetRecordsCommand': {
          const input = command.input as { readonly ShardIterator: string; readonly Limit: number }
          return this.#getRecords(process, input.ShardIterator, input.Limit)
        }
        default:
          throw new Error(`the model of Kinesis knows no ${kind}`)
      }
    }
    return { send } as unknown as KinesisClient
  }

  #ask<Answer>(process: Process, operation: string, target: string, apply: () => Answer) {
    const call = { service: 'kinesis', operation, target, isWrite: false, apply } as const
    return this.#network.send(process, call)
  }

  /** Names a shard and a position in it: `<shard>@<records before>`. */
  #iterator({ ShardId, ShardIteratorType, StartingSequenceNumber = '0' }: IteratorInput) {
    const shard = this.#shards.get(ShardId)
    if (shard === undefined || !this.#isListed(shard)) {
      throw new ResourceNotFoundException({ message: `no shard ${ShardId}`, $metadata: {} })
    }
    const after = ShardIteratorType === 'TRIM_HORIZON' ? -1n : BigInt(StartingSequenceNumber)
    const read = shard.records.filter(({ digits }) => BigInt(digits) <= after).length
    return { ShardIterator: `${ShardId}@${read}` }
  }

  /** An answer may be empty although there is more: then it says that it is behind. */
  #getRecords(process: Process, iterator: string, limit: number) {
    const [id, read] = iterator.split('@') as [string, string]
    const from = Number(read)
    const isEmpty = this.#choices.deviate(
      `empty ${process.name}#${process.calls + 1}`,
      (random) => (random() < 0.2 ? true : undefined),
      [true],
    )
    return this.#ask(process, 'GetRecords', iterator, () => {
      const shard = this.shard(id)
      const to = isEmpty ? from : Math.min(from + limit, shard.records.length)
      const isAtTip = to === shard.records.length
      const isOver = shard.isClosed && isAtTip && !isEmpty
      return {
        Records: shard.records.slice(from, to).map(({ digits }) => ({ SequenceNumber: digits })),
        MillisBehindLatest: isAtTip ? 0 : 1000,
        ...(isOver ? {} : { NextShardIterator: `${id}@${to}` }),
      }
    })
  }

  #isListed({ id, closedMs = Number.POSITIVE_INFINITY }: Shard<Content>): boolean {
    return closedMs > this.#nowMs() - this.#retentionMs || !this.#mayForget(id)
  }

  /** The page after a shard: a token stands for its id, so that what is forgotten meanwhile shifts nothing. */
  #listShards(after: string) {
    const listed = this.shards.filter((shard) => shard.id > after && this.#isListed(shard))
    const page = listed.slice(0, LIST_PAGE_SIZE).map(({ id, parents, isClosed }) => ({
      ShardId: id,
      SequenceNumberRange: {
        StartingSequenceNumber: '0',
        ...(isClosed ? { EndingSequenceNumber: '9' } : {}),
      },
      ...(parents[0] === undefined ? {} : { ParentShardId: parents[0] }),
      ...(parents[1] === undefined ? {} : { AdjacentParentShardId: parents[1] }),
    }))
    const hasMore = listed.length > LIST_PAGE_SIZE
    return { Shards: page, ...(hasMore ? { NextToken: page.at(-1)!.ShardId } : {}) }
  }

  #open(parents: readonly string[], from: number, to: number): void {
    const id = `shardId-${String(this.#shards.size).padStart(SHARD_ID_DIGITS, '0')}`
    const shard = { id, parents, from, to, records: [], isClosed: false }
    this.#shards.set(id, shard)
    this.#changed(shard)
  }

  #close(shard: Shard<Content>): void {
    shard.isClosed = true
    shard.closedMs = this.#nowMs()
    this.#changed(shard)
  }

  #changed(shard: Shard<Content>): void {
    for (const listener of this.#listeners) listener(shard)
  }
}

/** The shard's ancestors and itself, as they truly are. */
export function lineageOf<Content extends { readonly name: string }>(
  stream: KinesisModel<Content>,
  shard: string,
): ReadonlySet<string> {
  const found = new Set<string>()
  const next = [shard]
  for (let id = next.pop(); id !== undefined; id = next.pop()) {
    if (found.has(id)) continue
    found.add(id)
    next.push(...stream.shard(id).parents)
  }
  return found
}
