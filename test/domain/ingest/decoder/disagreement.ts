import type { Contract } from '#lib/domain/contract/contract.ts'
import { type DecodedBatch, decode, type RejectedEvent } from '#lib/domain/ingest/decode.ts'
import type { DecodedRecords } from '#lib/domain/ingest/decoder/decoded-records.ts'
import type { Decoder, EncodedRecord } from '#lib/domain/ingest/decoder/decoder.ts'
import type { RawEvent } from '#lib/domain/ingest/raw-event.ts'
import { unpackRecord } from '#lib/domain/ingest/wire.ts'
import { type Column, utf8At } from '#lib/domain/kernel/columns.ts'

const SHARD = 'shardId-000000000007'

/** What the slow decoder makes of records. */
export interface Expected {
  readonly events: readonly RawEvent[]
  readonly decoded: DecodedBatch
}

/** The records through `unpackRecord` and `decode`. */
export function expectedOf(contract: Contract, records: readonly EncodedRecord[]): Expected {
  const events = records.flatMap((record) =>
    unpackRecord({
      ...record,
      data: typeof record.data === 'string' ? Buffer.from(record.data, 'base64') : record.data,
    }),
  )
  return { events, decoded: decode(contract, events, { shard: SHARD }) }
}

/** Where a decoder says something else about these records than the slow one; undefined if nowhere. */
export function disagreement(
  decoder: Decoder,
  records: readonly EncodedRecord[],
  expected: Expected,
): string | undefined {
  const actual = decoder.decodeRecords(records, { shard: SHARD })
  if (actual.taken !== records.length) return `taken: ${records.length} or ${actual.taken}`
  return eventsDisagree(expected.events, actual) ?? batchesDisagree(expected.decoded, actual)
}

/** The same for events as raw has them. */
export function disagreementOnEvents(
  decoder: Decoder,
  { events, decoded }: Expected,
): string | undefined {
  const actual = decoder.decodeEvents(events, { shard: SHARD })
  return eventsDisagree(events, actual) ?? batchesDisagree(decoded, actual)
}

function eventsDisagree(events: readonly RawEvent[], actual: DecodedRecords): string | undefined {
  if (events.length !== actual.events.length) {
    return `lines: ${events.length} or ${actual.events.length}`
  }
  for (const [line, event] of events.entries()) {
    const found = actual.events.at(line)
    if (!sameObject(event, found)) return `line ${line}: ${shown(event)} or ${shown(found)}`
  }
  return undefined
}

function batchesDisagree(expected: DecodedBatch, actual: DecodedRecords): string | undefined {
  return (
    rejectionsDisagree(expected.rejected, actual.rejected) ??
    columnsDisagree(expected, actual) ??
    (shown([...expected.unknownFields]) === shown([...actual.unknownFields])
      ? undefined
      : `unknown fields: ${shown([...expected.unknownFields])} or ${shown([...actual.unknownFields])}`)
  )
}

function rejectionsDisagree(
  expected: readonly RejectedEvent[],
  actual: readonly RejectedEvent[],
): string | undefined {
  for (let i = 0; i < Math.max(expected.length, actual.length); i++) {
    const [left, right] = [expected[i], actual[i]]
    if (left === undefined || right === undefined || !sameObject(left, right)) {
      return `rejection ${i}: ${shown(left)} or ${shown(right)}`
    }
  }
  return undefined
}

function columnsDisagree(expected: DecodedBatch, actual: DecodedRecords): string | undefined {
  if (expected.batch.rows !== actual.batch.rows) {
    return `rows: ${expected.batch.rows} or ${actual.batch.rows}`
  }
  const [names, found] = [[...expected.batch.columns.keys()], [...actual.batch.columns.keys()]]
  if (shown(names) !== shown(found)) return `columns: ${names} or ${found}`
  for (const [name, column] of expected.batch.columns) {
    const problem = columnDisagrees(column, actual.batch.columns.get(name)!)
    if (problem !== undefined) return `column ${name}: ${problem}`
  }
  for (const name of ['arrivals', 'arrivalMinutes', 'eventTimes'] as const) {
    if (!sameBytes(expected[name], actual[name])) return name
  }
  for (const [row, { source, id }] of expected.identities.entries()) {
    const { identities } = actual
    if (utf8At(identities.source, row) !== source || utf8At(identities.id, row) !== id) {
      return `identity ${row}`
    }
  }
  return undefined
}

function columnDisagrees(expected: Column, actual: Column): string | undefined {
  if (expected.kind !== actual.kind) return `${expected.kind} or ${actual.kind}`
  if ((expected.nulls === undefined) !== (actual.nulls === undefined)) return 'nulls'
  if (expected.nulls && !sameBytes(expected.nulls, actual.nulls!)) return 'nulls'
  if (expected.kind === 'utf8' && actual.kind === 'utf8') {
    if (!sameBytes(expected.offsets, actual.offsets)) return 'offsets'
    return sameBytes(expected.bytes, actual.bytes) ? undefined : 'bytes'
  }
  const [left, right] = [expected, actual] as { values: Int32Array }[]
  if (sameBytes(left!.values, right!.values)) return undefined
  const row = left!.values.findIndex((value, i) => !Object.is(value, right!.values[i]))
  return `row ${row}: ${left!.values[row]} or ${right!.values[row]}`
}

/** Bit by bit: also -0 and 0 are different. */
function sameBytes(left: NodeJS.TypedArray, right: NodeJS.TypedArray): boolean {
  return left.length === right.length && bytesOf(left).equals(bytesOf(right))
}

function bytesOf(array: NodeJS.TypedArray): Buffer {
  return Buffer.from(array.buffer, array.byteOffset, array.byteLength)
}

function sameObject(left: object, right: object): boolean {
  const keys = Object.keys(left)
  if (keys.length !== Object.keys(right).length) return false
  return keys.every((key) => {
    const [a, b] = [left[key as keyof object] as unknown, right[key as keyof object] as unknown]
    if (typeof a === 'object' && a !== null && typeof b === 'object' && b !== null) {
      return sameObject(a, b)
    }
    return Object.is(a, b)
  })
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing'
  return text.length > 2_000 ? `${text.slice(0, 2_000)}…` : text
}
