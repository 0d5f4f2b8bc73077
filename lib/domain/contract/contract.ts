import type { ChangeTerms } from './change-terms.ts'
import type { MaintenanceTerms } from './maintenance-terms.ts'
import type { RawColdTerms } from './raw-storage-terms.ts'
import type { StringFormat } from './string-format.ts'

/**
 * A data product's contract, as everything else reads it: compiled from an ODCS v3.1.0 document by
 * `parse-contract.ts` (text, with lines) or `compile-contract.ts` (the parsed document, in functions).
 */
export interface Contract {
  /** The data product: `[a-z][a-z0-9_]{0,47}`. Also the name of its table. */
  readonly product: string
  /** Semantic version of the contract. Raw objects name the version that judged them. */
  readonly version: string
  readonly description: string
  readonly domain: string
  readonly owner: string
  readonly tier: 1 | 2 | 3
  readonly dataClassification: string
  readonly costCenter: string
  /** The event's own data fields, in document order. */
  readonly fields: readonly Field[]
  /** The field that holds event time (a timestamp). */
  readonly eventTime: string
  /** CloudEvents `type` that this product accepts. */
  readonly eventType: string
  /** The major that judges events which declare none, while old producers do not; by default this version's own. */
  readonly undeclaredMajor?: number
  /** The field whose value picks the stream's shard. */
  readonly partitionKey: string
  /** Over how many partitions a producer may spread one value of the partition key; 1 keeps its events in order. */
  readonly spread: number
  /** The field that says whom the event is about, where it has a value; absent if events are about nobody. */
  readonly subject?: string
  /** What personal fields may be opened for, each a word; absent: nothing. */
  readonly purposes?: readonly string[]
  /** Where the data may lie: AWS regions or their first parts; absent means anywhere. */
  readonly residency?: readonly string[]
  /** How long after the end of its window an event may still count; absent means for ever. */
  readonly allowedLatenessSeconds?: number
  /** Set if the events are changes of rows of another store; `fields` are then those of a table of changes. */
  readonly changes?: ChangeTerms
  /** Rules that one row decides, besides those of the single fields. */
  readonly rowRules: readonly RowRule[]
  /** How the curated table is partitioned. */
  readonly partitioning: readonly {
    readonly field: string
    readonly transform: 'day' | 'identity'
  }[]
  readonly stream: {
    readonly shards: number
    readonly retentionHours: number
    /** How long a batch may gather before it is archived: the price of freshness. */
    readonly freshnessSeconds: number
  }
  /** Two events with one identity are duplicates if they arrive less than this apart. */
  readonly dedupHorizonMinutes: number
  /** An event time further than this past its arrival is not believed. */
  readonly maxFutureSkewMinutes: number
  /** How far behind the greatest event time of its shard an event is expected at most: the watermark's bound. */
  readonly outOfOrdernessSeconds: number
  /** How long what a window needs to be revised is kept after its final result. */
  readonly stateRetentionDays: number
  /** The upkeep of the product's tables. */
  readonly maintenance: MaintenanceTerms
  /** Above how many US cents a person has to approve a backfill of the product's features. */
  readonly backfillApprovalCents: number
  readonly retention: {
    readonly rawDays: number
    readonly quarantineDays: number
    /** Of bytes nobody could decode, under a key of their own. */
    readonly undecodableDays: number
    /** When raw moves to a cheaper storage class, and to which; absent: never. */
    readonly rawCold?: RawColdTerms
    /** For how many days a raw object is locked; absent: it is not. */
    readonly rawLockDays?: number
  }
}

export interface Field {
  /** The Iceberg field id, stated in the contract; never changes, never reused. 1 to 9 are Weir's own columns. */
  readonly id: number
  readonly name: string
  readonly type: FieldType
  readonly required: boolean
  readonly description: string
  /** Personal data: sealed under the key of the subject before it is stored. */
  readonly personal: boolean
  readonly constraints: Constraints
}

export type FieldType =
  | { readonly kind: 'string' }
  | { readonly kind: 'int' }
  | { readonly kind: 'long' }
  | { readonly kind: 'double' }
  | { readonly kind: 'boolean' }
  | { readonly kind: 'date' }
  /**
   * Stored as UTC micros. With `localZone` the text carries no offset and is local time there; a time that
   * occurs twice (autumn) is the earlier one, one that is skipped (spring) is moved forward by the gap.
   */
  | { readonly kind: 'timestamp'; readonly localZone?: string }
  /** `precision` at most 18. */
  | { readonly kind: 'decimal'; readonly precision: number; readonly scale: number }
  /** A time of day, of no zone; kept as text: `HH:MM:SS`, and up to six more digits without zeros at their end. */
  | { readonly kind: 'time' }
  | { readonly kind: 'struct'; readonly fields: readonly Field[] }
  /** `element` is named so. */
  | { readonly kind: 'list'; readonly element: Field }

export interface Constraints {
  /** Inclusive, exact (decimal text). */
  readonly minimum?: string
  readonly maximum?: string
  readonly maxLength?: number
  readonly minLength?: number
  readonly pattern?: string
  /** Of a string: what it is written as. */
  readonly format?: StringFormat
  /** Exact (decimal text). */
  readonly multipleOf?: string
  /** Of a list. */
  readonly minItems?: number
  readonly maxItems?: number
  readonly uniqueItems?: true
  readonly values?: readonly (string | number)[]
}

/** `left operator right`, where right is another field or a literal; a null on either side passes. */
export interface RowRule {
  readonly name: string
  readonly left: string
  readonly operator: '<' | '<=' | '=' | '!=' | '>=' | '>'
  readonly right: { readonly field: string } | { readonly literal: string }
}
