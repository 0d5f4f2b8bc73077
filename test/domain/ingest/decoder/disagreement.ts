import type { Contract } from '#lib/domain/contract/contract.ts'
import { type DecodedBatch, decode, type RejectedEvent } from '#lib/domain/ingest/decode.ts'
import type { DecodedRecords } from '#lib/domain/ingest/decoder/decoded-records.ts'
import type { Decoder, EncodedRecord } from '#lib/domain/ingest/decoder/decoder.ts'
import type { ReceivedEvents } from '#lib/domain/ingest/decoder/received-events.ts'
import type { RawEvent } from '#lib/domain/ingest/raw-event.ts'
import { RAW_LIMITS, type RawLimits, weightOf } from '#lib/domain/ingest/raw-limits.ts'
import { unpackRecord } from '#lib/domain/ingest/wire.ts'
import { type Column, utf8At } from '#lib/domain/kernel/columns.ts'

const SHARD = 'shardId-000000000007'

/** What the slow decoder makes of records. */
export interface Expected {
  /** Records from the first one on, and how many of them are one batch. */
  readonly records: readonly EncodedRecord[]
  readonly taken: number
  readonly events: readonly RawEvent[]
  readonly decoded: DecodedBatch
}

/** The records through `unpackRecord` and `decode`, in batches as large as raw takes them. */
export function expectedOf(
  contract: Contract,
  records: readonly EncodedRecord[],
  { maxWeight, maxEvents }: RawLimits = RAW_LIMITS,
): Expected[] {
  const batches: Expected[] = []
  for (let first = 0; first < records.length; ) {
    const events: RawEvent[] = []
    let weight = 0
    let taken = 0
    for (const record of records.slice(first)) {
      const data =
        typeof record.data === 'string' ? Buffer.from(record.data, 'base64') : record.data
      const unpacked = unpackRecord({ ...record, data })
      for (const event of unpacked) weight += weightOf(event)
      const isFull = weight > maxWeight || events.length + unpacked.length > maxEvents
      if (taken > 0 && isFull) break
      for (const event of unpacked) events.push(event)
      taken++
    }
    const decoded = decode(contract, events, { shard: SHARD })
    batches.push({ records: records.slice(first), taken, events, decoded })
    first += taken
  }
  return batches
}

/** Where a decoder says something else about records than the slow one; undefined if nowhere. */
export function disagreement(
  decoder: Decoder,
  { records, taken, events, decoded }: Expected,
  limits?: RawLimits,
): string | undefined {
  const context = { shard: SHARD, ...(limits === undefined ? {} : { limits }) }
  const actual = decoder.decodeRecords(records, context)
  if (actual.taken !== taken) return `taken: ${taken} or ${actual.taken} of ${records.length}`
  return eventsDisagree(events, actual) ?? batchesDisagree(decoded, actual)
}

/** The same for events that another decoder received: those of some lines. */
export function disagreementOnLines(
  decoder: Decoder,
  contract: Contract,
  received: ReceivedEvents,
  lines: readonly number[],
): string | undefined {
  const events = lines.map((line) => received.at(line))
  const actual = decoder.decodeLines(received, lines, { shard: SHARD })
  return (
    eventsDisagree(events, actual) ??
    batchesDisagree(decode(contract, events, { shard: SHARD }), actual)
  )
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
    rejectionsDisagree(expected.rejected, rejectedEvents(actual)) ??
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
  const accepted = linesOfRows(actual)
  if (shown([...actual.lineOfRow]) !== shown(accepted)) {
    return `lines of rows: ${shown(accepted)} or ${shown([...actual.lineOfRow])}`
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

/** Rejections as the slow decoder gives them, with their places and texts. */
function rejectedEvents({ events, rejected }: DecodedRecords): RejectedEvent[] {
  return rejected.map(({ line, reason, detail, eventId, eventSource }) => {
    const stub = events.stubs.get(line)
    const event = events.at(line)
    return {
      ...events.placeOf(line),
      reason,
      detail,
      ...(eventId === undefined ? {} : { eventId }),
      ...(eventSource === undefined ? {} : { eventSource }),
      ...(event.kind === 'event' ? { text: event.text } : {}),
      ...(stub && { stub: { lengthBytes: stub.lengthBytes, sha256: stub.sha256 } }),
    }
  })
}

/** The lines that are not rejected. */
function linesOfRows({ events, rejected }: DecodedRecords): number[] {
  const refused = new Set(rejected.map(({ line }) => line))
  const lines = Array.from({ length: events.length }, (_, line) => line)
  return lines.filter((line) => !refused.has(line))
}

function columnDisagrees(expected: Column, actual: Column): string | undefined {
  if (expected.kind !== actual.kind) return `${expected.kind} or ${actual.kind}`
  if ((expected.nulls === undefined) !== (actual.nulls === undefined)) return 'nulls'
  if (expected.nulls && !sameBytes(expected.nulls, actual.nulls!)) return 'nulls'
  switch (expected.kind) {
    case 'utf8': {
      const { offsets, bytes } = actual as typeof expected
      if (!sameBytes(expected.offsets, offsets)) return 'offsets'
      return sameBytes(expected.bytes, bytes) ? undefined : 'bytes'
    }
    case 'struct': {
      const { rows, fields } = actual as typeof expected
      if (rows !== expected.rows) return `${expected.rows} or ${rows} rows`
      for (const [name, field] of expected.fields) {
        const problem = columnDisagrees(field, fields.get(name)!)
        if (problem !== undefined) return `${name}: ${problem}`
      }
      return undefined
    }
    case 'list': {
      const { offsets, elements } = actual as typeof expected
      if (!sameBytes(expected.offsets, offsets)) return 'offsets'
      return columnDisagrees(expected.elements, elements)
    }
    default: {
      const [left, right] = [expected, actual] as { values: Int32Array }[]
      if (sameBytes(left!.values, right!.values)) return undefined
      const row = left!.values.findIndex((value, i) => !Object.is(value, right!.values[i]))
      return `row ${row}: ${left!.values[row]} or ${right!.values[row]}`
    }
  }
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
