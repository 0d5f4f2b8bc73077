import type { RejectedEvent } from '#lib/domain/ingest/decode.ts'
import { quarantineSchema } from '#lib/domain/ingest/quarantine-file.ts'
import { rejectionPath } from '#lib/domain/ingest/rejection-path.ts'
import { type Column, type ColumnBatch, utf8Column } from '#lib/domain/kernel/columns.ts'
import { encodeParquet } from './parquet.ts'

/** Rejected events as Parquet. Equal input gives equal bytes: the content hash in the path depends on it. */
export function encodeQuarantine(
  shard: string,
  contractVersion: string,
  rejected: readonly RejectedEvent[],
): Uint8Array {
  const text = (value: (event: RejectedEvent) => string | undefined) =>
    utf8Column(rejected.map((event) => value(event) ?? null))
  const columns = new Map<string, Column>([
    ['quarantine_id', text((event) => quarantineId(shard, event))],
    ['shard', text(() => shard)],
    ['sequence_number', text((event) => event.sequence)],
    ['event_index', { kind: 'int32', values: Int32Array.from(rejected, (event) => event.index) }],
    [
      'arrival_time',
      {
        kind: 'int64',
        values: BigInt64Array.from(rejected, (event) => BigInt(event.arrivalMicros)),
      },
    ],
    ['contract_version', text((event) => event.contractVersion ?? contractVersion)],
    ['reason', text((event) => event.reason)],
    ['detail', text((event) => event.detail)],
    ['event_id', text((event) => event.eventId)],
    ['event_source', text((event) => event.eventSource)],
    ['event', text((event) => event.text)],
    [
      'length_bytes',
      {
        kind: 'int64',
        values: BigInt64Array.from(rejected, (event) => BigInt(event.stub?.lengthBytes ?? 0)),
        nulls: Uint8Array.from(rejected, (event) => (event.stub ? 0 : 1)),
      },
    ],
    ['sha256', text((event) => event.stub?.sha256)],
    ['path', text((event) => rejectionPath(event.reason))],
  ])
  const batch: ColumnBatch = { rows: rejected.length, columns }
  return encodeParquet(quarantineSchema, batch).bytes
}

/** Names a rejected event by its place in the stream. */
export function quarantineId(
  shard: string,
  event: { readonly sequence: string; readonly index: number },
): string {
  return `${shard}/${event.sequence}/${event.index}`
}
