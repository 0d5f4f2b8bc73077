import type { Contract } from '#lib/domain/contract/contract.ts'
import { type ColumnBatch, takeRows } from '#lib/domain/kernel/columns.ts'
import { MICROS_PER_MINUTE } from '#lib/domain/kernel/time.ts'
import { decode, type RejectedEvent } from './decode.ts'
import type { Identify } from './identity.ts'
import { IdentitySet } from './identity-set.ts'
import type { BatchCounts } from './journal.ts'
import type { RawBatch } from './raw-object.ts'
import type { ShardMemory } from './shard-memory.ts'

/** What became of every event of a raw batch: exactly one of admitted, duplicate, rejected. */
export interface Judgement {
  readonly counts: BatchCounts
  /** Admitted rows in (sequence, index) order. */
  readonly admitted: ColumnBatch
  /** 16 bytes per admitted row. */
  readonly identities: Uint8Array
  readonly arrivalMinutes: Int32Array
  readonly rejected: readonly RejectedEvent[]
  /** Event times of admitted rows, UTC micros. */
  readonly eventTime?: { readonly min: number; readonly max: number }
  /** Maximum event time, each capped at arrival + allowed skew: a far-future event cannot push it. */
  readonly cappedMaxEventTime?: number
}

/**
 * Judges a raw batch: a function of the batch, its contract version and what was admitted at earlier
 * positions, so that every attempt and a rebuild give the same verdicts.
 */
export function judge(
  raw: RawBatch,
  contract: Contract,
  memory: ShardMemory,
  identify: Identify,
): Judgement {
  const decoded = decode(contract, raw.events, { shard: raw.shard })
  const seenInBatch = new IdentitySet()
  const rows: number[] = []
  const identities: Uint8Array[] = []
  for (let row = 0; row < decoded.batch.rows; row++) {
    const { source, id } = decoded.identities[row]!
    const identity = identify(source, id)
    const minute = decoded.arrivalMinutes[row]!
    const before = seenInBatch.minuteOf(identity)
    const inBatch = before !== undefined && minute - before < contract.dedupHorizonMinutes
    if (inBatch || memory.isDuplicate(identity, minute)) continue
    seenInBatch.add(identity, minute)
    rows.push(row)
    identities.push(identity)
  }

  const admitted = takeRows(decoded.batch, rows)
  const times = rows.map((row) => Number(decoded.eventTimes[row]!))
  const skew = contract.maxFutureSkewMinutes * MICROS_PER_MINUTE
  const capped = times.map((time, i) => Math.min(time, decoded.arrivals[rows[i]!]! + skew))
  return {
    counts: {
      received: raw.events.length,
      admitted: rows.length,
      duplicate: decoded.batch.rows - rows.length,
      rejected: decoded.rejected.length,
    },
    admitted,
    identities: Uint8Array.from(Buffer.concat(identities)),
    arrivalMinutes: Int32Array.from(rows, (row) => decoded.arrivalMinutes[row]!),
    rejected: decoded.rejected,
    ...(rows.length > 0
      ? { eventTime: { min: minOf(times), max: maxOf(times) }, cappedMaxEventTime: maxOf(capped) }
      : {}),
  }
}

// Not Math.max(...values): a batch has more rows than a call may have arguments.
function maxOf(values: readonly number[]): number {
  return values.reduce((greatest, value) => (value > greatest ? value : greatest))
}

function minOf(values: readonly number[]): number {
  return values.reduce((least, value) => (value < least ? value : least))
}
