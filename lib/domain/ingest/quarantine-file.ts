import { type Column, isNull, utf8At } from '#lib/domain/kernel/columns.ts'
import { RunColumn } from '#lib/domain/kernel/run-column.ts'
import { parseSequenceNumber } from '#lib/domain/kernel/sequence-number.ts'
import { Utf8Builder } from '#lib/domain/kernel/utf8-builder.ts'
import { decodeParquet } from '#lib/domain/lake/parquet/decode.ts'
import { encodeParquet } from '#lib/domain/lake/parquet/encode.ts'
import type { TableSchema } from '#lib/domain/lake/schema.ts'
import type { Rejection } from './decoder/decoded-records.ts'
import type { ReceivedEvents } from './decoder/received-events.ts'
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

/**
 * Rejected lines as Parquet, their texts as they were received. Equal input gives equal bytes: the content hash in the
 * path depends on it.
 */
export function encodeQuarantine(
  shard: string,
  contractVersion: string,
  rejected: readonly Rejection[],
  received: ReceivedEvents,
): Uint8Array {
  const rows = rejected.length
  const { sequences, arrivals, recordOf, indexOf, stubs } = received
  const sequenceOf = ({ line }: Rejection) => sequences[recordOf[line]!]!
  const text = (value: (one: Rejection) => string | undefined) => {
    const builder = new Utf8Builder(rows)
    for (const one of rejected) builder.add(value(one))
    return builder.finish()
  }
  const columns = new Map<string, Column>([
    ['quarantine_id', places(shard, rejected, received)],
    ['shard', new RunColumn([shard], Int32Array.of(rows))],
    ['sequence_number', text(sequenceOf)],
    [
      'event_index',
      { kind: 'int32', values: Int32Array.from(rejected, ({ line }) => indexOf[line]!) },
    ],
    [
      'arrival_time',
      {
        kind: 'int64',
        values: BigInt64Array.from(rejected, ({ line }) => BigInt(arrivals[recordOf[line]!]!)),
      },
    ],
    ['contract_version', text((one) => one.contractVersion ?? contractVersion)],
    ['reason', text((one) => one.reason)],
    ['detail', text((one) => one.detail)],
    ['event_id', text((one) => one.eventId)],
    ['event_source', text((one) => one.eventSource)],
    ['event', eventTexts(rejected, received)],
    [
      'length_bytes',
      {
        kind: 'int64',
        values: BigInt64Array.from(rejected, ({ line }) =>
          BigInt(stubs.get(line)?.lengthBytes ?? 0),
        ),
        nulls: Uint8Array.from(rejected, ({ line }) => (stubs.has(line) ? 0 : 1)),
      },
    ],
    ['sha256', text(({ line }) => stubs.get(line)?.sha256 || undefined)],
    ['path', text((one) => rejectionPath(one.reason))],
  ])
  return encodeParquet(quarantineSchema, { rows, columns }).bytes
}

/** A rejected event is named by its place in the stream. */
function places(shard: string, rejected: readonly Rejection[], received: ReceivedEvents): Column {
  const { sequences, recordOf, indexOf } = received
  const builder = new Utf8Builder(rejected.length)
  for (const { line } of rejected) {
    const sequence = sequences[recordOf[line]!]!
    builder.write(shard).write('/').write(sequence).write('/').write(String(indexOf[line])).endRow()
  }
  return builder.finish()
}

/** Of each rejected event its bytes, sealed where it came so; of a record that could not be read nothing. */
function eventTexts(rejected: readonly Rejection[], received: ReceivedEvents): Column {
  const { bytes, starts, ends, stubs } = received
  let size = 0
  for (const { line } of rejected) size += ends[line]! - starts[line]!
  const builder = new Utf8Builder(rejected.length, size)
  for (const { line } of rejected) {
    const stub = stubs.get(line)
    if (stub !== undefined) builder.add(stub.rejected?.sealed)
    else builder.writeBytes(bytes, starts[line]!, ends[line]!).endRow()
  }
  return builder.finish()
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
