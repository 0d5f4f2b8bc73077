import type { Contract } from '#lib/domain/contract/contract.ts'
import type { ContractVersions } from '#lib/domain/contract/contract-versions.ts'
import { majorOf } from '#lib/domain/contract/version.ts'
import { PlatformError } from '#lib/domain/kernel/errors.ts'

/**
 * A feature view: what is aggregated per key and event-time window. JSON-safe, because it is bundled
 * beside the function that maintains it.
 */
export interface ViewDefinition {
  /** `[a-z][a-z0-9-]{0,47}`, unique in the cell: `features get` finds the view by it. */
  readonly name: string
  readonly description: string
  /** The data field whose value is the key. */
  readonly key: string
  readonly window: TumblingWindow
  /**
   * The major version of the contract whose rows are read. A view is a function of one table: state it before a new
   * major is deployed to stay with the old one.
   * @default the newest
   */
  readonly major?: number
  readonly aggregates: readonly AggregateDefinition[]
  /** A value older than this is served with `stale`. */
  readonly freshnessSeconds: number
}

export interface TumblingWindow {
  readonly kind: 'tumbling'
  readonly sizeSeconds: number
}

/** What is computed of a window's rows. A row without a value in `field` is left out. */
export type AggregateDefinition = { readonly name: string } & (
  | {
      readonly function: 'count'
      /** Counts the rows that have a value in it. @default all rows */
      readonly field?: string
    }
  /** `first` and `last` by event time; of rows at one instant by their place in the stream. */
  | {
      readonly function: 'sum' | 'mean' | 'min' | 'max' | 'first' | 'last'
      readonly field: string
    }
  | {
      readonly function: 'variance'
      readonly field: string
      /** Over all values, or estimated for what they are a sample of (n − 1). */
      readonly of: 'population' | 'sample'
    }
  /** How many different values, estimated. */
  | {
      readonly function: 'distinct'
      readonly field: string
      /** 4 to 14: a standard error of 1.04 / √2^precision. @default 11, which is 2.3 % */
      readonly precision?: number
    }
  | {
      readonly function: 'quantile'
      readonly field: string
      /** From 0 (the least) to 1 (the greatest): one, or a list of which the result is a list. */
      readonly q: number | readonly number[]
      /** Relative error of a result, 0.001 to 0.2. @default 0.01 */
      readonly accuracy?: number
      /** Bins for each sign, 64 to 4096: more keep the accuracy over more orders of magnitude. @default 1024 */
      readonly maxBins?: number
    }
  | {
      readonly function: 'topk'
      readonly field: string
      /** How many values, 1 to 100. */
      readonly k: number
      /** How many values are counted, k to 1000: exactly as long as there are no more. @default 10 k, and at least 100 */
      readonly capacity?: number
    }
)

export type AggregateFunction = AggregateDefinition['function']

/** The newest contract of the major that the view reads. Throws `view.invalid` if there is none. */
export function contractOfView(
  view: Pick<ViewDefinition, 'name' | 'major'>,
  { current, majors }: ContractVersions,
): Contract {
  const { name, major = majorOf(current.version) } = view
  const contract = majors.find((one) => majorOf(one.version) === major)
  if (contract !== undefined) return contract
  throw new PlatformError(
    'view.invalid',
    `${current.product}: view "${name}": there is no contract of major ${major}`,
  )
}
