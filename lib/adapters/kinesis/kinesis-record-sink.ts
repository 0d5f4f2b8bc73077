import {
  type KinesisClient,
  KinesisServiceException,
  PutRecordsCommand,
  type PutRecordsResultEntry,
} from '@aws-sdk/client-kinesis'
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
    try {
      const { Records: results = [] } = await this.#client.send(
        new PutRecordsCommand({
          StreamName: this.#streamName,
          Records: records.map((one) => ({
            PartitionKey: one.partitionKey,
            ExplicitHashKey: one.hashKey,
            Data: one.data,
          })),
        }),
      )
      return records.map((_, i) => outcomeOf(results[i]))
    } catch (error) {
      if (!isHopeless(error)) throw error
      const reason = `${error.name}: ${error.message}`
      return records.map(() => ({ accepted: false, retryable: false, reason }))
    }
  }
}

function outcomeOf(result: PutRecordsResultEntry | undefined): RecordOutcome {
  if (result?.SequenceNumber !== undefined && result.ErrorCode === undefined) {
    return { accepted: true }
  }
  // Kinesis refuses single records only for throughput and for faults of its own: both pass.
  const reason = `${result?.ErrorCode ?? 'no answer'}: ${result?.ErrorMessage ?? 'no reason given'}`
  return { accepted: false, retryable: true, reason }
}

/** The whole call was refused, and will be again: a wrong name, a missing permission. */
function isHopeless(error: unknown): error is Error {
  if (!(error instanceof KinesisServiceException)) return false
  const status = error.$metadata.httpStatusCode ?? 0
  const isThrottled = /Throttl|LimitExceeded|ThroughputExceeded|ResourceInUse/.test(error.name)
  return status >= 400 && status < 500 && status !== 429 && !isThrottled
}
