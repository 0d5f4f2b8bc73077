import type { Contract } from '#lib/domain/contract/contract.ts'
import type { ContractsInForce } from '#lib/domain/contract/contract-versions.ts'
import { type ColumnBatch, takeRows } from '#lib/domain/kernel/columns.ts'
import { MICROS_PER_MINUTE } from '#lib/domain/kernel/time.ts'
import type { Rejection } from './decoder/decoded-records.ts'
import type { RecordsPart, VersionedRecords } from './decoder/versioned-decoder.ts'
import { type BatchDrift, driftOf } from './drift.ts'
import { IDENTITY_BYTES, type Identify } from './identity.ts'
import { IdentitySet } from './identity-set.ts'
import type { BatchCounts } from './journal.ts'
import type { ShardMemory } from './shard-memory.ts'

/**
 * What became of every event of a batch: exactly one of admitted, duplicate, rejected. Its columns are those that were
 * judged, where nothing was dropped.
 */
export interface Judgement {
  readonly counts: BatchCounts
  /** Admitted rows by the contract that judged them, each in (sequence, index) order. */
  readonly admitted: readonly AdmittedRows[]
  /** 16 bytes per admitted row, of all contracts in (sequence, index) order. */
  readonly identities: Uint8Array
  readonly arrivalMinutes: Int32Array
  readonly rejected: readonly Rejection[]
  /** Event times of admitted rows, UTC micros. */
  readonly eventTime?: { readonly min: number; readonly max: number }
  /** Maximum event time, each capped at arrival + allowed skew: a far-future event cannot push it. */
  readonly cappedMaxEventTime?: number
  /** What was sent that no contract knows. */
  readonly drift?: BatchDrift
}

export interface AdmittedRows {
  readonly contract: Contract
  readonly batch: ColumnBatch
}

/**
 * Judges a batch: a function of what raw holds, the contracts in force at the version that raw names and what was
 * admitted at earlier positions, so that every attempt and a rebuild give the same verdicts. The identity of an
 * event is the product's: sent again under another major it is a duplicate.
 */
export function judge(
  batch: VersionedRecords,
  inForce: ContractsInForce,
  memory: ShardMemory,
  identify: Identify,
): Judgement {
  const { received, parts, rejected } = batch
  const { dedupHorizonMinutes, maxFutureSkewMinutes } = inForce.named
  const rowsOf = parts.map(({ decoded }) => decoded.batch.rows)
  const rows = rowsOf.reduce((sum, count) => sum + count)
  const admission = new Admission(memory, dedupHorizonMinutes, rows)
  const judged = parts.map((part) => new JudgedPart(part, identify, maxFutureSkewMinutes))
  const [only] = judged
  if (judged.length === 1) for (let row = 0; row < rows; row++) only!.judgeNext(admission)
  else judgeInPlaceOrder(judged, admission)

  const { count, times } = admission
  const drift = driftOf(batch)
  return {
    counts: {
      received: received.length,
      admitted: count,
      duplicate: rows - count,
      rejected: rejected.length,
    },
    admitted: judged.map((part) => part.admitted()),
    identities: admission.identities.subarray(0, IDENTITY_BYTES * count),
    arrivalMinutes: admission.minutes.subarray(0, count),
    rejected,
    ...(count > 0
      ? {
          eventTime: { min: times.min, max: times.max },
          cappedMaxEventTime: times.cappedMax,
        }
      : {}),
    ...(drift === undefined ? {} : { drift }),
  }
}

/** The rows of all parts as they came: which of two equal events is the first does not depend on its contract. */
function judgeInPlaceOrder(parts: readonly JudgedPart[], admission: Admission): void {
  for (;;) {
    let first: JudgedPart | undefined
    for (const part of parts) {
      if (part.nextLine < (first?.nextLine ?? Number.POSITIVE_INFINITY)) first = part
    }
    if (first === undefined) return
    first.judgeNext(admission)
  }
}

/** What is admitted of a batch, in place order over all contracts. */
class Admission {
  readonly identities: Uint8Array
  readonly minutes: Int32Array
  readonly times = { min: Infinity, max: -Infinity, cappedMax: -Infinity }
  count = 0
  readonly #memory: ShardMemory
  readonly #seenInBatch: IdentitySet
  readonly #horizonMinutes: number

  constructor(memory: ShardMemory, horizonMinutes: number, rows: number) {
    this.#memory = memory
    this.#horizonMinutes = horizonMinutes
    this.#seenInBatch = new IdentitySet(rows)
    this.identities = new Uint8Array(IDENTITY_BYTES * rows)
    this.minutes = new Int32Array(rows)
  }

  /** Whether the identity at a place was admitted just now: not, if an earlier one within the horizon was. */
  admits(identities: Uint8Array, at: number, minute: number): boolean {
    const before = this.#seenInBatch.minuteOf(identities, at)
    if (before !== undefined && minute - before < this.#horizonMinutes) return false
    if (this.#memory.isDuplicate(identities, at, minute)) return false
    this.#seenInBatch.add(identities, minute, at)
    const to = IDENTITY_BYTES * this.count
    for (let i = 0; i < IDENTITY_BYTES; i++) this.identities[to + i] = identities[at + i]!
    this.minutes[this.count++] = minute
    return true
  }
}

/** The rows of one contract, judged one after another. */
class JudgedPart {
  readonly #part: RecordsPart
  readonly #identities: Uint8Array
  /** Event times as halves: a 64-bit value that is read whole is an object. */
  readonly #halves: Int32Array
  readonly #skewMicros: number
  readonly #admitted: Int32Array
  #count = 0
  #row = 0

  constructor(part: RecordsPart, identify: Identify, maxFutureSkewMinutes: number) {
    const { batch, identities, eventTimes } = part.decoded
    this.#part = part
    this.#identities = identify.ofRows(identities.source, identities.id, batch.rows)
    this.#halves = new Int32Array(eventTimes.buffer, eventTimes.byteOffset, 2 * eventTimes.length)
    this.#skewMicros = maxFutureSkewMinutes * MICROS_PER_MINUTE
    this.#admitted = new Int32Array(batch.rows)
  }

  /** Where the next row stands among all events of the batch; infinite behind the last. */
  get nextLine(): number {
    return this.#part.lineOfRow[this.#row] ?? Number.POSITIVE_INFINITY
  }

  judgeNext(admission: Admission): void {
    const row = this.#row++
    const { arrivals, arrivalMinutes } = this.#part.decoded
    if (!admission.admits(this.#identities, IDENTITY_BYTES * row, arrivalMinutes[row]!)) return
    this.#admitted[this.#count++] = row
    const { times } = admission
    const time = this.#halves[2 * row + 1]! * 2 ** 32 + (this.#halves[2 * row]! >>> 0)
    const capped = Math.min(time, arrivals[row]! + this.#skewMicros)
    if (time < times.min) times.min = time
    if (time > times.max) times.max = time
    if (capped > times.cappedMax) times.cappedMax = capped
  }

  admitted(): AdmittedRows {
    const { contract, decoded } = this.#part
    const { batch } = decoded
    const isWhole = this.#count === batch.rows
    const rows = this.#admitted.subarray(0, this.#count)
    return { contract, batch: isWhole ? batch : takeRows(batch, rows) }
  }
}
