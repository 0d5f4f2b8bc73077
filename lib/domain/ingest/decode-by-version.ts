import type { Contract } from '#lib/domain/contract/contract.ts'
import type { ContractsInForce } from '#lib/domain/contract/contract-versions.ts'
import { type Column, utf8At } from '#lib/domain/kernel/columns.ts'
import type { SequenceNumber } from '#lib/domain/kernel/sequence-number.ts'
import { declaredSchema } from './declared-schema.ts'
import {
  countName,
  type DecodeContext,
  type DecodedBatch,
  decode,
  type RejectedEvent,
} from './decode.ts'
import { readEnvelope } from './envelope.ts'
import type { Place, RawEvent, ReceivedEvent } from './raw-event.ts'

/** The reason of an event that declares a version which was not deployed when its batch was judged. */
export const UNKNOWN_VERSION = 'event.version'

/** Every received event ends here once: as a row of one part or in `rejected`. */
export interface VersionedBatch {
  /** By the contract that judged them, at least one; in the order of the majors. */
  readonly parts: readonly DecodedPart[]
  /** Of all parts, in place order. */
  readonly rejected: readonly RejectedEvent[]
  /** What was sent that no contract knows, by name, with the number of events. */
  readonly unknownFields: ReadonlyMap<string, number>
  readonly unknownVersions: ReadonlyMap<string, number>
}

export interface DecodedPart {
  readonly contract: Contract
  readonly decoded: DecodedBatch
}

/** {@link decode} of each event by the contract of the major that it declares. */
export function decodeByVersion(
  inForce: ContractsInForce,
  events: readonly RawEvent[],
  context: DecodeContext,
): VersionedBatch {
  const groups = new Map<Contract, RawEvent[]>()
  const rejected: RejectedEvent[] = []
  const unknownVersions = new Map<string, number>()
  for (const event of events) {
    const declared = event.kind === 'event' ? declaredSchema(event.text) : undefined
    const judge = inForce.judgeOf(declared)
    if (judge === undefined) {
      rejected.push(rejectedVersion(event as ReceivedEvent, declared!, unknownVersions))
      continue
    }
    const group = groups.get(judge)
    if (group === undefined) groups.set(judge, [event])
    else group.push(event)
  }
  if (groups.size === 0) groups.set(inForce.judgeOf(undefined) ?? inForce.named, [])
  const parts = inForce.majors.flatMap((contract): DecodedPart[] => {
    const group = groups.get(contract)
    return group === undefined ? [] : [{ contract, decoded: decode(contract, group, context) }]
  })
  for (const { contract, decoded } of parts) {
    const { version } = contract
    const judged = version === inForce.named.version ? {} : { contractVersion: version }
    for (const event of decoded.rejected) rejected.push({ ...event, ...judged })
  }
  if (groups.size > 1 || unknownVersions.size > 0) rejected.sort(byPlace)
  return { parts, rejected, unknownFields: sumUnknownFields(parts), unknownVersions }
}

/** What the contracts that judged a batch do not know, each name once. */
export function sumUnknownFields(
  parts: readonly { readonly decoded: Pick<DecodedBatch, 'unknownFields'> }[],
): ReadonlyMap<string, number> {
  const sum = new Map<string, number>()
  for (const { decoded } of parts) {
    for (const [name, count] of decoded.unknownFields) countName(sum, name, count)
  }
  return sum
}

/** The order of the stream. */
export function byPlace(a: Pick<Place, 'sequence' | 'index'>, b: typeof a): number {
  if (a.sequence !== b.sequence) return a.sequence < b.sequence ? -1 : 1
  return a.index - b.index
}

/** Where a decoded row came from. */
export function placeAt({ batch }: DecodedBatch, row: number): Pick<Place, 'sequence' | 'index'> {
  const sequence = batch.columns.get('ingest_sequence') as Utf8Column
  const index = batch.columns.get('ingest_index') as Int32Column
  return { sequence: utf8At(sequence, row) as SequenceNumber, index: index.values[row]! }
}

type Utf8Column = Extract<Column, { kind: 'utf8' }>
type Int32Column = Extract<Column, { kind: 'int32' }>

/** An event that declares a version which no contract in force judges; counts what it declares. */
export function rejectedVersion(
  event: ReceivedEvent,
  declared: string,
  counts: Map<string, number>,
): RejectedEvent {
  const { sequence, index, arrivalMicros, text } = event
  const { id, source } = readEnvelope(text, '')
  countName(counts, shortened(declared))
  return {
    sequence,
    index,
    arrivalMicros,
    reason: UNKNOWN_VERSION,
    detail: `the event was written for ${shortened(declared)}, which is not deployed`,
    ...(id === undefined ? {} : { eventId: id }),
    ...(source === undefined ? {} : { eventSource: source }),
    text,
  }
}

const MAX_LENGTH = 80

function shortened(declared: string): string {
  return declared.toWellFormed().slice(0, MAX_LENGTH)
}
