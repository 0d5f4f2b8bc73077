import type { SequenceNumber } from '#lib/domain/kernel/sequence-number.ts'
import type { Micros } from '#lib/domain/kernel/time.ts'

/**
 * One line of raw: an event exactly as it came, or, of a record that nobody can read, a stub that says where it
 * was and what it weighed. Its place is (shard, sequence, index).
 */
export type RawEvent = ReceivedEvent | Stub

export interface Place {
  readonly sequence: SequenceNumber
  /** Position inside the record, from 0. */
  readonly index: number
  /** When Kinesis took the record, UTC micros. */
  readonly arrivalMicros: Micros
}

export interface ReceivedEvent extends Place {
  readonly kind: 'event'
  /** The exact JSON text of one CloudEvent (or of whatever stood in its place), never re-serialised. */
  readonly text: string
}

export interface Stub extends Place {
  readonly kind: 'stub'
  /** 0, unless it stands for one event. */
  readonly index: number
  /** Of the record's bytes as they came, before any decompression; of an event's text. */
  readonly lengthBytes: number
  /** Empty for an event: short texts can be guessed by it. */
  readonly sha256: string
  /** One of {@link UNDECODABLE_REASONS}, or what was wrong with the event. */
  readonly reason: string
  /** Of an event that was rejected and may hold anything: its verdict, since nobody can judge it again. */
  readonly rejected?: SealedRejection
}

export interface SealedRejection {
  readonly detail: string
  /** The version that judged it. */
  readonly contractVersion: string
  readonly eventId?: string
  readonly eventSource?: string
  /** The event as it came, under the key of unknown content. */
  readonly sealed: string
}

/** Why a record could not be taken apart into events. */
export const UNDECODABLE_REASONS = [
  'undecodable.empty',
  'undecodable.compression',
  'undecodable.trailingBytes',
  'undecodable.tooLarge',
  'undecodable.notUtf8',
  'undecodable.notJson',
  'undecodable.notEvents',
  'undecodable.emptyBatch',
  'undecodable.tooManyEvents',
] as const

export type UndecodableReason = (typeof UNDECODABLE_REASONS)[number]
