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
  | { readonly function: 'sum' | 'mean' | 'min' | 'max'; readonly field: string }
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
