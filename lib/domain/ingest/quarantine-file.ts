import {
  type Column,
  type ColumnBatch,
  isNull,
  utf8At,
  utf8Column,
} from '#lib/domain/kernel/columns.ts'
import { parseSequenceNumber } from '#lib/domain/kernel/sequence-number.ts'
import { decodeParquet } from '#lib/domain/lake/parquet/decode.ts'
import { encodeParquet } from '#lib/domain/lake/parquet/encode.ts'
import type { TableSchema } from '#lib/domain/lake/schema.ts'
import type { RejectedEvent } from './decode.ts'
import type { Place } from './raw-event.ts'
import { rejectionPath } from './rejection-path.ts'

/** The columns of `<product>_quarantine`: what was rejected, why, by which contract, and its bytes. */
export const quarantineSchema: TableSchema = {
  fields: [
    { id: 1, name: 'quarantine_id', required: true, type: 'string' },
    { id: 2, name: 'shard', required: true, type: 'string' },
    { id: 3, name: 'sequence_number', required: true, type: 'string' },
    { id: 4, name: 'event_index', required: true, type: 'int' },
    { id: 5, name: 'arrival_time', required: true, type: 'timestamptz' },
    { id: 6, name: 'contract_version', required: true, type: 'string' },
    { id: 7, name: 'reason', required: true, type: 'string' },
    { id: 8, name: 'detail', required: false, type: 'string' },
    { id: 9, name: 'event_id', required: false, type: 'string' },
    { id: 10, name: 'event_source', required: false, type: 'string' },
    { id: 11, name: 'event', required: false, type: 'string' },
    { id: 12, name: 'length_bytes', required: false, type: 'long' },
    { id: 13, name: 'sha256', required: false, type: 'string' },
    { id: 14, name: 'path', required: false, type: 'string' },
  ],
}

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

/** A row of quarantine, as far as a replay needs it. */
export interface QuarantinedRow extends Place {
  readonly reason: string
  readonly eventId?: string
  readonly eventSource?: string
  /** The event exactly as it came; absent for a record that could not be taken apart. */
  readonly text?: string
}

/** The rows of one quarantine object, in its order. */
export async function decodeQuarantine(bytes: Uint8Array): Promise<readonly QuarantinedRow[]> {
  const names = ['sequence_number', 'event_index', 'arrival_time', 'reason'] as const
  const texts = ['event_id', 'event_source', 'event'] as const
  const { rows, columns } = await decodeParquet(bytes, [...names, ...texts])
  const textAt = (name: string, row: number) => {
    const column = columns.get(name) as Extract<Column, { kind: 'utf8' }>
    return isNull(column, row) ? undefined : utf8At(column, row)
  }
  const index = columns.get('event_index') as Extract<Column, { kind: 'int32' }>
  const arrival = columns.get('arrival_time') as Extract<Column, { kind: 'int64' }>
  return Array.from({ length: rows }, (_, row): QuarantinedRow => {
    const [eventId, eventSource, text] = texts.map((name) => textAt(name, row))
    return {
      sequence: parseSequenceNumber(textAt('sequence_number', row)!),
      index: index.values[row]!,
      arrivalMicros: Number(arrival.values[row]),
      reason: textAt('reason', row)!,
      ...(eventId === undefined ? {} : { eventId }),
      ...(eventSource === undefined ? {} : { eventSource }),
      ...(text === undefined ? {} : { text }),
    }
  })
}
