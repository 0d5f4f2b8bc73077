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
  readonly index: 0
  /** Of the record's bytes as they came, before any decompression. */
  readonly lengthBytes: number
  readonly sha256: string
  readonly reason: UndecodableReason
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
