import type { ContractsInForce } from '#lib/domain/contract/contract-versions.ts'
import type { RejectedEvent } from '#lib/domain/ingest/decode.ts'
import {
  byPlace,
  type DecodedPart,
  decodeByVersion,
  placeAt,
} from '#lib/domain/ingest/decode-by-version.ts'
import { driftOf } from '#lib/domain/ingest/drift.ts'
import type { Identify } from '#lib/domain/ingest/identity.ts'
import type { Judgement } from '#lib/domain/ingest/judge.ts'
import type { RawBatch } from '#lib/domain/ingest/raw-object.ts'
import { MICROS_PER_MINUTE } from '#lib/domain/kernel/time.ts'
import { ReferenceMemory } from './shard-memory.ts'
import { takeRows } from './take-rows.ts'

/** Its rejections are events with their texts. */
export interface ReferenceJudgement extends Omit<Judgement, 'rejected'> {
  readonly rejected: readonly RejectedEvent[]
}

/**
 * Judges a raw batch: a function of the batch, the contracts in force at the version that raw names and what was
 * admitted at earlier positions, so that every attempt and a rebuild give the same verdicts. The identity of an
 * event is the product's: sent again under another major it is a duplicate.
 */
export function judge(
  raw: RawBatch,
  inForce: ContractsInForce,
  memory: ReferenceMemory,
  identify: Identify,
): ReferenceJudgement {
  const { parts, rejected, ...unknown } = decodeByVersion(inForce, raw.events, { shard: raw.shard })
  const { dedupHorizonMinutes, maxFutureSkewMinutes } = inForce.named
  const skew = maxFutureSkewMinutes * MICROS_PER_MINUTE
  const seenInBatch = new ReferenceMemory(dedupHorizonMinutes)
  const rowsOf = new Map<DecodedPart, number[]>(parts.map((part) => [part, []]))
  const identities: Uint8Array[] = []
  const minutes: number[] = []
  const times: number[] = []
  const capped: number[] = []
  for (const [part, row] of inPlaceOrder(parts)) {
    const { decoded } = part
    const { source, id } = decoded.identities[row]!
    const identity = identify(source, id)
    const minute = decoded.arrivalMinutes[row]!
    const inBatch = seenInBatch.isDuplicate(identity, minute)
    if (inBatch || memory.isDuplicate(identity, minute)) continue
    seenInBatch.admit(identity, minute)
    rowsOf.get(part)!.push(row)
    identities.push(identity)
    minutes.push(minute)
    const time = Number(decoded.eventTimes[row]!)
    times.push(time)
    capped.push(Math.min(time, decoded.arrivals[row]! + skew))
  }

  const decodedRows = parts.reduce((sum, { decoded }) => sum + decoded.batch.rows, 0)
  const drift = driftOf(unknown)
  return {
    counts: {
      received: raw.events.length,
      admitted: identities.length,
      duplicate: decodedRows - identities.length,
      rejected: rejected.length,
    },
    admitted: parts.map((part) => ({
      contract: part.contract,
      batch: takeRows(part.decoded.batch, rowsOf.get(part)!),
    })),
    identities: Uint8Array.from(Buffer.concat(identities)),
    arrivalMinutes: Int32Array.from(minutes),
    rejected,
    ...(times.length > 0
      ? { eventTime: { min: minOf(times), max: maxOf(times) }, cappedMaxEventTime: maxOf(capped) }
      : {}),
    ...(drift === undefined ? {} : { drift }),
  }
}

/** The rows of all parts as they came: which of two equal events is the first does not depend on its contract. */
function* inPlaceOrder(parts: readonly DecodedPart[]): Generator<[DecodedPart, number]> {
  const next = parts.map(() => 0)
  for (;;) {
    let first = -1
    for (const [at, { decoded }] of parts.entries()) {
      if (next[at]! >= decoded.batch.rows) continue
      const isEarlier =
        first === -1 ||
        byPlace(placeAt(decoded, next[at]!), placeAt(parts[first]!.decoded, next[first]!)) < 0
      if (isEarlier) first = at
    }
    if (first === -1) return
    yield [parts[first]!, next[first]!++]
  }
}

// Not Math.max(...values): a batch has more rows than a call may have arguments.
function maxOf(values: readonly number[]): number {
  return values.reduce((greatest, value) => (value > greatest ? value : greatest))
}

function minOf(values: readonly number[]): number {
  return values.reduce((least, value) => (value < least ? value : least))
}
