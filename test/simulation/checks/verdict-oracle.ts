import { createHmac } from 'node:crypto'
import type { Predecessor } from '#lib/domain/kernel/sequence-number.ts'
import { MICROS_PER_MINUTE, minuteOf } from '#lib/domain/kernel/time.ts'
import { isRowFor, type SentEvent, type SentRecord } from '../cell/events.ts'
import {
  DEDUP_HORIZON_MINUTES,
  FUTURE_SKEW_MINUTES,
  IDENTITY_KEY,
  type Reading,
} from '../cell/product.ts'
import { type AcceptedRecord, type KinesisModel, lineageOf } from '../cloud/kinesis.ts'

/** An event that was admitted, where it stands. */
export interface AdmittedEvent {
  readonly sequence: string
  readonly index: number
  readonly arrivalMicros: number
  readonly event: SentEvent
  /** Of admitted events at earlier positions of the shard and its ancestors, each capped; undefined before the first. */
  readonly greatestBefore: number | undefined
}

export interface RejectedPlace {
  readonly sequence: string
  readonly index: number
  readonly arrivalMicros: number
  /** As it was sent; undefined for a record that nobody can take apart. */
  readonly text: string | undefined
}

export interface Verdicts {
  readonly received: number
  readonly admitted: readonly AdmittedEvent[]
  readonly duplicates: number
  readonly rejected: readonly RejectedPlace[]
  readonly maxEventTimeBefore: number | undefined
  readonly maxEventTimeAfter: number | undefined
}

interface DecidedShard {
  /** Arrival minutes of the admissions of each identity. */
  readonly admissions: Map<string, number[]>
  maxEventTime: number | undefined
  hasEntries: boolean
}

/**
 * What must become of the stream's events, told from what was sent: never decodes, batches or remembers anything
 * that the code under test does.
 */
export class VerdictOracle {
  readonly #stream: KinesisModel<SentRecord>
  readonly #shards = new Map<string, DecidedShard>()

  constructor(stream: KinesisModel<SentRecord>) {
    this.#stream = stream
  }

  /** The records of a shard in (prev, last]. */
  recordsBetween(
    shard: string,
    prev: Predecessor,
    last: string,
  ): readonly AcceptedRecord<SentRecord>[] {
    return this.#stream
      .shard(shard)
      .records.filter(({ sequence }) => (prev === 'start' || sequence > prev) && sequence <= last)
  }

  /** The verdicts on a shard's next records, as this code has to give them. Changes nothing. */
  judge(shard: string, records: readonly AcceptedRecord<SentRecord>[], reading: Reading): Verdicts {
    const before = this.#maxEventTimeOf(shard)
    const seen = new Map<string, number[]>()
    const admitted: AdmittedEvent[] = []
    const rejected: RejectedPlace[] = []
    let [received, duplicates] = [0, 0]
    let greatest = before
    for (const { sequence, arrivalMs, content } of records) {
      const arrivalMicros = arrivalMs * 1000
      received += Math.max(1, content.events.length)
      const place = { sequence, arrivalMicros }
      if (!content.isDecodable) rejected.push({ ...place, index: 0, text: undefined })
      for (const [index, event] of content.events.entries()) {
        if (!isRowFor(event, reading)) {
          rejected.push({ ...place, index, text: event.text })
          continue
        }
        const name = nameOf(event)
        const minute = minuteOf(arrivalMicros)
        const isWithin = (at: number) => minute - at < DEDUP_HORIZON_MINUTES
        if (seen.get(name)?.some(isWithin) || this.#admissions(shard, name).some(isWithin)) {
          duplicates++
          continue
        }
        seen.set(name, [...(seen.get(name) ?? []), minute])
        admitted.push({ sequence, index, arrivalMicros, event, greatestBefore: greatest })
        const latest = arrivalMicros + FUTURE_SKEW_MINUTES * MICROS_PER_MINUTE
        const capped = Math.min(event.row!.atMicros, latest)
        greatest = greatest === undefined ? capped : Math.max(greatest, capped)
      }
    }
    return {
      received,
      admitted,
      duplicates,
      rejected,
      maxEventTimeBefore: before,
      maxEventTimeAfter: greatest,
    }
  }

  /** These verdicts were entered. */
  decide(shard: string, verdicts: Verdicts): void {
    const decided = this.#decided(shard)
    for (const { event, arrivalMicros } of verdicts.admitted) {
      const name = nameOf(event)
      const minutes = decided.admissions.get(name) ?? []
      decided.admissions.set(name, [...minutes, minuteOf(arrivalMicros)])
    }
    decided.maxEventTime = verdicts.maxEventTimeAfter
    decided.hasEntries = true
  }

  #admissions(shard: string, name: string): readonly number[] {
    return [...lineageOf(this.#stream, shard)].flatMap(
      (one) => this.#shards.get(one)?.admissions.get(name) ?? [],
    )
  }

  /** Of admitted events at earlier positions of the shard and its ancestors; at a merge the smaller parent's. */
  #maxEventTimeOf(shard: string): number | undefined {
    const decided = this.#shards.get(shard)
    if (decided?.hasEntries) return decided.maxEventTime
    const inherited = this.#stream.shard(shard).parents.map((one) => this.#maxEventTimeOf(one))
    if (inherited.length === 0 || inherited.includes(undefined)) return undefined
    return Math.min(...(inherited as number[]))
  }

  #decided(shard: string): DecidedShard {
    const known = this.#shards.get(shard)
    if (known !== undefined) return known
    const decided = { admissions: new Map(), maxEventTime: undefined, hasEntries: false }
    this.#shards.set(shard, decided)
    return decided
  }
}

function nameOf({ source, id }: SentEvent): string {
  return JSON.stringify([source, id])
}

const identities = new WeakMap<SentEvent, Uint8Array>()

/** 16 bytes per admitted event, as the verdicts object holds them. */
export function identitiesOf(admitted: readonly AdmittedEvent[]): Buffer {
  return Buffer.concat(
    admitted.map(({ event }) => {
      const known = identities.get(event) ?? identityOf(event)
      identities.set(event, known)
      return known
    }),
  )
}

/** Chaskey-12 over the source's length, 32 bits little-endian, the source and the id: written down once more, plainly. */
function identityOf({ source, id }: SentEvent): Uint8Array {
  const length = Buffer.alloc(4)
  length.writeUInt32LE(Buffer.byteLength(source))
  const message = Buffer.concat([length, Buffer.from(source), Buffer.from(id)])
  const isFull = message.length % 16 === 0
  const padded = Buffer.alloc(Math.ceil((message.length + (isFull ? 0 : 1)) / 16) * 16)
  message.copy(padded)
  if (!isFull) padded[message.length] = 1
  const closing = isFull ? doubled(CHASKEY_KEY) : doubled(doubled(CHASKEY_KEY))
  let state = CHASKEY_KEY
  for (let at = 0; at < padded.length; at += 16) {
    const block = state.map((word, i) => word ^ padded.readInt32LE(at + 4 * i))
    const isLast = at + 16 === padded.length
    state = mixed(isLast ? block.map((word, i) => word ^ closing[i]!) : block)
  }
  const tag = Buffer.alloc(16)
  for (const [i, word] of state.entries()) tag.writeInt32LE(word ^ closing[i]!, 4 * i)
  return tag
}

const derived = createHmac('sha256', IDENTITY_KEY)
  .update('weir event identity, Chaskey-12')
  .digest()
const CHASKEY_KEY = [0, 4, 8, 12].map((at) => derived.readInt32LE(at))

/** Times x in GF(2^128). */
function doubled(words: readonly number[]): number[] {
  const [a, b, c, d] = words as [number, number, number, number]
  const carry = d < 0 ? 0x87 : 0
  return [(a << 1) ^ carry, (b << 1) | (a >>> 31), (c << 1) | (b >>> 31), (d << 1) | (c >>> 31)]
}

function mixed(words: readonly number[]): number[] {
  let [a, b, c, d] = words as [number, number, number, number]
  const turned = (word: number, bits: number) => (word << bits) | (word >>> (32 - bits))
  for (let round = 0; round < 12; round++) {
    a = (a + b) | 0
    b = turned(b, 5) ^ a
    a = turned(a, 16)
    c = (c + d) | 0
    d = turned(d, 8) ^ c
    a = (a + d) | 0
    d = turned(d, 13) ^ a
    c = (c + b) | 0
    b = turned(b, 7) ^ c
    c = turned(c, 16)
  }
  return [a, b, c, d]
}
