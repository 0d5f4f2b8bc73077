import type { Contract } from '#lib/domain/contract/contract.ts'
import type { ContractsInForce } from '#lib/domain/contract/contract-versions.ts'
import { type ColumnBatch, rowsTakenLate } from '#lib/domain/kernel/columns.ts'
import { MICROS_PER_MINUTE } from '#lib/domain/kernel/time.ts'
import type { Rejection } from './decoder/decoded-records.ts'
import type { RecordsPart, VersionedRecords } from './decoder/versioned-decoder.ts'
import { type BatchDrift, driftOf } from './drift.ts'
import { IDENTITY_BYTES, IDENTITY_WORDS, type Identify } from './identity.ts'
import { identityWords, NEVER } from './identity-set.ts'
import type { BatchCounts } from './journal.ts'

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

/** What is known of earlier batches. */
export interface AdmittedBefore {
  /** When each of so many identities, as words, was admitted last, or `NEVER`; they arrive at these minutes now. */
  admittedMinutes(identities: Int32Array, count: number, arrivalMinutes: Int32Array): Int32Array
}

/**
 * Judges a batch: a function of what raw holds, the contracts in force at the version that raw names and what was
 * admitted at earlier positions, so that every attempt and a rebuild give the same verdicts. The identity of an
 * event is the product's: sent again under another major it is a duplicate.
 */
export function judge(
  batch: VersionedRecords,
  inForce: ContractsInForce,
  memory: AdmittedBefore,
  identify: Identify,
): Judgement {
  const { received, parts, rejected } = batch
  const { dedupHorizonMinutes, maxFutureSkewMinutes } = inForce.named
  const rowsOf = parts.map(({ decoded }) => decoded.batch.rows)
  const rows = rowsOf.reduce((sum, count) => sum + count)
  const admission = new Admission(dedupHorizonMinutes, rows)
  const judged = parts.map((part) => new JudgedPart(part, identify, memory, maxFutureSkewMinutes))
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
    identities: admission.identityBytes(),
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
  readonly minutes: Int32Array
  readonly times = { min: Infinity, max: -Infinity, cappedMax: -Infinity }
  count = 0
  readonly #words: Int32Array
  /** At each place 0, or the number of an admitted row, counted from 1: open addressing by identity. */
  readonly #places: Int32Array
  readonly #horizonMinutes: number

  constructor(horizonMinutes: number, rows: number) {
    this.#horizonMinutes = horizonMinutes
    this.#words = new Int32Array(IDENTITY_WORDS * rows)
    this.#places = new Int32Array(2 ** Math.ceil(Math.log2(2 * rows + 2)))
    this.minutes = new Int32Array(rows)
  }

  /**
   * Whether the identity at a place was admitted just now: not, if an earlier one within the horizon was.
   *
   * @param before when one was admitted in an earlier batch, or `NEVER`
   */
  admits(identities: Int32Array, at: number, minute: number, before: number): boolean {
    if (before !== NEVER && minute - before < this.#horizonMinutes) return false
    const words = this.#words
    const places = this.#places
    const mask = places.length - 1
    let place = identities[at]! & mask
    for (; places[place] !== 0; place = (place + 1) & mask) {
      const known = IDENTITY_WORDS * (places[place]! - 1)
      if (
        words[known] === identities[at] &&
        words[known + 1] === identities[at + 1] &&
        words[known + 2] === identities[at + 2] &&
        words[known + 3] === identities[at + 3]
      ) {
        if (minute - this.minutes[places[place]! - 1]! < this.#horizonMinutes) return false
        break
      }
    }
    const to = IDENTITY_WORDS * this.count
    words[to] = identities[at]!
    words[to + 1] = identities[at + 1]!
    words[to + 2] = identities[at + 2]!
    words[to + 3] = identities[at + 3]!
    this.minutes[this.count++] = minute
    places[place] = this.count
    return true
  }

  /** 16 bytes each. */
  identityBytes(): Uint8Array {
    return new Uint8Array(this.#words.buffer, 0, IDENTITY_BYTES * this.count)
  }
}

/** The rows of one contract, judged one after another. */
class JudgedPart {
  readonly #part: RecordsPart
  readonly #identities: Int32Array
  /** When each of them was admitted in an earlier batch. */
  readonly #before: Int32Array
  /** Event times as halves: a 64-bit value that is read whole is an object. */
  readonly #halves: Int32Array
  readonly #skewMicros: number
  readonly #admitted: Int32Array
  #count = 0
  #row = 0

  constructor(
    part: RecordsPart,
    identify: Identify,
    memory: AdmittedBefore,
    maxFutureSkewMinutes: number,
  ) {
    const { batch, identities, eventTimes } = part.decoded
    this.#part = part
    const { rows } = batch
    this.#identities = identityWords(identify.ofRows(identities.source, identities.id, rows))
    this.#before = memory.admittedMinutes(this.#identities, rows, part.decoded.arrivalMinutes)
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
    const minute = arrivalMinutes[row]!
    const at = IDENTITY_WORDS * row
    if (!admission.admits(this.#identities, at, minute, this.#before[row]!)) return
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
    return { contract, batch: isWhole ? batch : rowsTakenLate(batch, rows) }
  }
}
