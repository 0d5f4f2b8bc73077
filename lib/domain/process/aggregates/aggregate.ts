import type { FieldType } from '#lib/domain/contract/contract.ts'
import type { ColumnBatch } from '#lib/domain/kernel/columns.ts'
import type { Decimal } from '#lib/domain/kernel/decimal.ts'
import type { CalendarDate, Timestamp } from '#lib/domain/kernel/instants.ts'
import type { Accumulator } from './accumulator.ts'

/**
 * A finished value; `null` where nothing was aggregated or the value does not fit the result type. As JSON it is a
 * number with all its digits, a text, or a list or object of these. Of an int, a double and a count it is a number, of
 * longs and decimals a {@link Decimal}; `columnValue` gives it as a table's column holds it.
 */
export type AggregateValue =
  | null
  | boolean
  | number
  | string
  | Decimal
  | CalendarDate
  | Timestamp
  | readonly AggregateValue[]
  | { readonly [member: string]: AggregateValue }

/** How far a finished value may be from what its definition says. */
export type ErrorBound =
  | { readonly kind: 'exact' }
  /** Of the value itself: |finished − true| ≤ bound × |true|, whatever the order of merging. */
  | {
      readonly kind: 'relative'
      readonly bound: number
      /** Only of values that are smaller than the greatest of their sign by no more than this factor. @default any */
      readonly within?: number
    }
  /** One standard deviation of (finished − true) / true over all choices of the hash function. */
  | { readonly kind: 'relativeStandardError'; readonly bound: number }
  /** Of a number of rows: true − finished is 0 or more, and at most bound × the rows with a value. */
  | { readonly kind: 'shareOfRows'; readonly bound: number }

/**
 * An aggregate as an algebra: `merge` is associative and commutative with `create()` as its neutral element, so
 * shards, panes, batches and replays may be combined in any order to the same result. (`topk` says where it keeps
 * that only within its error.) A state is of no use to anyone but its own aggregate.
 */
export interface Aggregate<State> {
  /** What the batch must hold, by column name: fields of the contract and Weir's own columns. */
  readonly columns: readonly string[]
  create(): State
  /** One state per group: row r goes to group `groups[r]`; −1 = to none. */
  addBatch(batch: ColumnBatch, groups: Int32Array, groupCount: number): State[]
  /** States side by side that batches are added to; without one they are merged with what `addBatch` gives. */
  accumulator?(): Accumulator<State>
  /** Changes neither argument; the result may share parts with both. */
  merge(a: State, b: State): State
  finish(state: State): AggregateValue
  /** JSON, compact, with its version; equal for states of the same rows, however they were merged. */
  toStored(state: State): unknown
  /** Also reads what older versions stored. Throws `view.stateUnreadable`. */
  fromStored(stored: unknown): State
  /** What a stored state may take at most, in bytes of JSON. */
  readonly maxStoredBytes: number
  /** The feature table's column. Ids of fields inside of it are 0: who makes the table assigns them. */
  readonly resultType: FieldType
  readonly error: ErrorBound
}

export const EXACT: ErrorBound = { kind: 'exact' }
/** A double nearest to the exact value. */
export const NEAREST_DOUBLE: ErrorBound = { kind: 'relative', bound: 2 ** -53 }
