import { type KinesisClient, PutRecordsCommand } from '@aws-sdk/client-kinesis'
import type { OutgoingRecord, RecordOutcome, RecordSink } from '#lib/domain/ingest/producer-sink.ts'

/** Kinesis' own limits of one PutRecords call, and of a record with its partition key. */
const LIMITS = { records: 500, bytes: 5 * 1024 * 1024, recordBytes: 1024 * 1024 } as const

/** A Kinesis stream as a producer's sink. Give it a client that does not repeat by itself: the producer does. */
export class KinesisRecordSink implements RecordSink {
  readonly limits = LIMITS
  readonly #client: KinesisClient
  readonly #streamName: string

  constructor(options: { readonly client: KinesisClient; readonly streamName: string }) {
    this.#client = options.client
    this.#streamName = options.streamName
  }

  async put(records: readonly OutgoingRecord[]): Promise<readonly RecordOutcome[]> {
    const { Records: results = [] } = await this.#client.send(
      new PutRecordsCommand({
        StreamName: this.#streamName,
        Records: records.map(({ partitionKey, data }) => ({
          PartitionKey: partitionKey,
          Data: data,
        })),
      }),
    )
    return records.map((_, i): RecordOutcome => {
      const result = results[i]
      if (result?.SequenceNumber !== undefined && result.ErrorCode === undefined) {
        return { accepted: true }
      }
      // Kinesis refuses single records only for throughput and for faults of its own: both pass.
      const reason = `${result?.ErrorCode ?? 'no answer'}: ${result?.ErrorMessage ?? 'no reason given'}`
      return { accepted: false, retryable: true, reason }
    })
  }
}
