import type { KinesisStreamEvent, KinesisStreamRecord } from 'aws-lambda'
import type { Archive } from '#lib/domain/ingest/archive.ts'
import type { EncodedRecord } from '#lib/domain/ingest/decoder/decoder.ts'
import { sequenceNumber } from '#lib/domain/kernel/sequence-number.ts'
import type { Log } from '#lib/domain/ops/log.ts'

export interface ArchiveEventsDependencies {
  readonly archive: Pick<Archive, 'take'>
  readonly log: Log
}

/**
 * Archives the records of one invocation. Returns when all of them are handed over in the journal; throws if a
 * store fails, and the mapping then repeats the batch, whole, split or longer, for as long as it takes.
 */
export function makeHandler({ archive, log }: ArchiveEventsDependencies) {
  return async (event: KinesisStreamEvent): Promise<void> => {
    const byShard = Map.groupBy(event.Records, shardOf)
    for (const [shard, records] of byShard) {
      const entries = await archive.take(shard, records.map(encodedRecord))
      for (const { last, counts } of entries) log.info('batch archived', { shard, last, ...counts })
    }
  }
}

/** `shardId-000000000000:49545…` */
function shardOf(record: KinesisStreamRecord): string {
  return record.eventID.slice(0, record.eventID.lastIndexOf(':'))
}

/** Its data stay base64: the decoder reads it straight into its memory. */
function encodedRecord(record: KinesisStreamRecord): EncodedRecord {
  return {
    sequence: sequenceNumber(record.kinesis.sequenceNumber),
    // Kinesis stamps milliseconds; as seconds in a double they need rounding.
    arrivalMicros: Math.round(record.kinesis.approximateArrivalTimestamp * 1000) * 1000,
    data: record.kinesis.data,
  }
}
