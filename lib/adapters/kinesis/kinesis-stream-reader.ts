import {
  GetRecordsCommand,
  GetShardIteratorCommand,
  type KinesisClient,
  ListShardsCommand,
  ProvisionedThroughputExceededException,
} from '@aws-sdk/client-kinesis'
import type { StreamRecord } from '#lib/domain/ingest/wire.ts'
import {
  digitsOf,
  type SequenceNumber,
  sequenceNumber,
} from '#lib/domain/kernel/sequence-number.ts'
import type { StreamReader } from '#lib/domain/ops/stream-reader.ts'

export interface KinesisStreamReaderProps {
  readonly client: KinesisClient
  readonly streamName: string
  readonly sleep: (ms: number) => Promise<void>
}

const THROTTLED_PAUSE_MS = 500

/** A Kinesis stream, read beside its consumers. Every read shares the shards' 2 MB/s with them. */
export class KinesisStreamReader implements StreamReader {
  readonly #props: KinesisStreamReaderProps

  constructor(props: KinesisStreamReaderProps) {
    this.#props = props
  }

  async shards(): Promise<readonly string[]> {
    const found: string[] = []
    let token: string | undefined
    do {
      const page = await this.#props.client.send(
        new ListShardsCommand(
          // The name may only be given with the first page.
          token === undefined ? { StreamName: this.#props.streamName } : { NextToken: token },
        ),
      )
      for (const shard of page.Shards ?? []) found.push(shard.ShardId!)
      token = page.NextToken
    } while (token !== undefined)
    return found.sort()
  }

  async *pages(shard: string, after?: SequenceNumber): AsyncGenerator<readonly StreamRecord[]> {
    const { client, streamName } = this.#props
    const { ShardIterator: first } = await client.send(
      new GetShardIteratorCommand({
        StreamName: streamName,
        ShardId: shard,
        ...(after === undefined
          ? { ShardIteratorType: 'TRIM_HORIZON' }
          : {
              ShardIteratorType: 'AFTER_SEQUENCE_NUMBER',
              StartingSequenceNumber: digitsOf(after),
            }),
      }),
    )
    let iterator = first
    let tips = 0
    // A closed shard ends without an iterator. An open one is at its tip twice before we believe it: the first time may
    // be rounded, and waiting for an empty page would never end while records keep coming.
    while (iterator !== undefined && tips < 2) {
      const page = await this.#getRecords(iterator)
      const records = (page.Records ?? []).map(
        (record): StreamRecord => ({
          sequence: sequenceNumber(record.SequenceNumber!),
          arrivalMicros: (record.ApproximateArrivalTimestamp?.getTime() ?? 0) * 1_000,
          data: record.Data ?? new Uint8Array(),
        }),
      )
      if (records.length > 0) yield records
      if ((page.MillisBehindLatest ?? 0) > 0) tips = 0
      else tips += records.length === 0 ? 2 : 1
      iterator = page.NextShardIterator
    }
  }

  async #getRecords(iterator: string) {
    for (;;) {
      try {
        return await this.#props.client.send(new GetRecordsCommand({ ShardIterator: iterator }))
      } catch (error) {
        // Five reads per second and shard are shared with the mapping that archives: it goes first.
        if (!(error instanceof ProvisionedThroughputExceededException)) throw error
        await this.#props.sleep(THROTTLED_PAUSE_MS)
      }
    }
  }
}
