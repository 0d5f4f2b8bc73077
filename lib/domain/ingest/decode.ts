import type { Contract } from '#lib/domain/contract/contract.ts'
import type { ColumnBatch } from '#lib/domain/kernel/columns.ts'
import type { Place, RawEvent } from './raw-event.ts'

/** Every received event ends here once: as a row of `batch` or in `rejected`. */
export interface DecodedBatch {
  /** Accepted rows in place order; columns in table order, Weir's own first. */
  readonly batch: ColumnBatch
  /** Per accepted row, in the order of `batch`. */
  readonly identities: readonly EventIdentity[]
  /** Arrival in whole minutes since the epoch, per accepted row. */
  readonly arrivalMinute: Int32Array
  /** UTC micros of the contract's event time, per accepted row. */
  readonly eventTimeMicros: BigInt64Array
  /** In place order. */
  readonly rejected: readonly RejectedEvent[]
  /** Data fields that the contract does not know, by name, with the number of events that had them. */
  readonly unknownFields: ReadonlyMap<string, number>
}

export interface EventIdentity {
  readonly source: string
  readonly id: string
}

export interface RejectedEvent extends Place {
  /** `<field>.<what>`, `event.<what>`, `rule:<name>` or `undecodable.<what>`. */
  readonly reason: string
  /** For people: what was expected and what came. Never quotes a personal field. */
  readonly detail: string
  /** Where the envelope could be read that far. */
  readonly source?: string
  readonly eventId?: string
  /** The event's exact text, or what is known of a record that could not be read. */
  readonly received:
    | { readonly kind: 'event'; readonly text: string }
    | { readonly kind: 'stub'; readonly lengthBytes: number; readonly sha256: string }
}

export interface DecodeContext {
  readonly shard: string
}

export declare function decode(
  contract: Contract,
  events: readonly RawEvent[],
  context: DecodeContext,
): DecodedBatch
