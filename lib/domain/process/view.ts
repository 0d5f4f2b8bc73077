import type { Contract } from '#lib/domain/contract/contract.ts'
import type { ContractVersions } from '#lib/domain/contract/contract-versions.ts'
import { scaleOf } from '#lib/domain/contract/scalar.ts'
import { majorOf } from '#lib/domain/contract/version.ts'
import { contentHash } from '#lib/domain/kernel/content-hash.ts'
import { PlatformError } from '#lib/domain/kernel/errors.ts'
import type { DerivedColumn, Expression } from './expressions/expression.ts'
import { type ViewRows, viewRowsOf } from './expressions/view-rows.ts'
import type { WindowDefinition } from './window.ts'

/**
 * A feature view: what is aggregated per key and event-time window. JSON-safe, because it is bundled
 * beside the function that maintains it.
 */
export interface ViewDefinition {
  /** `[a-z][a-z0-9-]{0,47}`, unique in the cell: `features get` finds the view by it. */
  readonly name: string
  readonly description: string
  /**
   * Of the definition. Another version has states and a table of its own, and starts from the beginning of the
   * journal; a definition that changes without one is refused, because its states would mean two things.
   * @default 1
   */
  readonly version?: number
  /** The product whose rows are read. @default that of the folder */
  readonly source?: string
  /** The data field, or derived column, whose value is the key. */
  readonly key: string
  /** Columns that are computed of each row first; key, filter, aggregates and those behind may name them. */
  readonly derived?: readonly DerivedColumn[]
  /** Which rows count: those for which it is true, not those for which it is not known. @default all */
  readonly filter?: Expression
  readonly window: WindowDefinition
  /**
   * The major version of the contract whose rows are read. A view is a function of one table: state it before a new
   * major is deployed to stay with the old one.
   * @default the newest
   */
  readonly major?: number
  readonly aggregates: readonly AggregateDefinition[]
  /** A value older than this is served with `stale`. */
  readonly freshnessSeconds: number
  /** What a stale value is served as. @default as it is */
  readonly whenStale?: StalePolicy
  /**
   * What readers are answered from: what was published last and the events since, merged; or only what was published, so
   * that any number of such views of a key is one read. Running totals of the first kind come from the stream alone.
   * @default both
   */
  readonly serving?: 'both' | 'batch'
  /** Whom to ask about it. @default the product's owner */
  readonly owner?: string
  /**
   * How long events may gather before slots show them. Each write of a slot costs a unit whatever it adds: a longer
   * interval writes the same slot less often. Nothing waits for longer than a minute more than this.
   * @default 0: with every batch
   */
  readonly updateSeconds?: number
  /**
   * Over how many partitions of the slots table the slots of one key are spread, by shard: for keys so hot that a
   * thousand slot writes a second are not enough. A read asks each of them.
   * @default 1
   */
  readonly subSlots?: number
}

/**
 * What a reader gets instead of a value that is older than declared, or of none: the last one that is known, an error
 * (`features.stale`), or these values; an aggregate that is not among them is null. All are marked stale.
 */
export type StalePolicy<Name extends string = string> =
  | 'lastKnown'
  | 'error'
  | { readonly fallback: Readonly<Partial<Record<Name, string | number | boolean | null>>> }

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

/**
 * The newest contract of the major that the view reads, with the view's derived columns behind its fields. Throws
 * `view.invalid` if there is none, or one of its expressions is of something else.
 */
export function contractOfView(
  view: Pick<ViewDefinition, 'name' | 'major' | 'derived' | 'filter'>,
  { current, majors }: ContractVersions,
): Contract {
  const { name, major = majorOf(current.version) } = view
  const contract = majors.find((one) => majorOf(one.version) === major)
  if (contract !== undefined) return rowsOfView(view, contract).contract
  throw new PlatformError(
    'view.invalid',
    `${current.product}: view "${name}": there is no contract of major ${major}`,
  )
}

const rowsOfViews = new WeakMap<object, WeakMap<Contract, ViewRows>>()

/** What the view makes of this contract's rows before it groups them; the contract may be that of `contractOfView`. */
export function rowsOfView(
  view: Pick<ViewDefinition, 'name' | 'derived' | 'filter'>,
  contract: Contract,
): ViewRows {
  const ofView = rowsOfViews.get(view) ?? new WeakMap<Contract, ViewRows>()
  rowsOfViews.set(view, ofView)
  const known = ofView.get(contract)
  if (known !== undefined) return known
  try {
    const rows = viewRowsOf(view, contract)
    ofView.set(contract, rows)
    // Who asks with the wider contract, which is what most go on with, means the same rows.
    ofView.set(rows.contract, rows)
    return rows
  } catch (error) {
    if (!(error instanceof PlatformError) || error.code !== 'view.invalid') throw error
    const message = `${contract.product}: view "${view.name}": ${error.message}`
    throw new PlatformError('view.invalid', message)
  }
}

/** How people call the set of states that stands without a name of its own in its items and tables. */
export const FIRST_GENERATION = 'v1'

/**
 * What states, cursors and tables of the view are filed under: its name and version. `generation` is a second set of
 * all of it, beside the first, such as a replay fills.
 */
export function stateNameOf(
  { name, version = 1 }: Pick<ViewDefinition, 'name' | 'version'>,
  generation?: string,
): string {
  const versioned = version === 1 ? name : `${name}.v${version}`
  return generation === undefined ? versioned : `${generation}.${versioned}`
}

const hashes = new WeakMap<ViewDefinition, WeakMap<Contract, string>>()

/** Equal for definitions whose states mean the same: what it is described as and when it is written is not part of it. */
export function definitionHash(view: ViewDefinition, contract: Contract): string {
  const ofView = hashes.get(view) ?? new WeakMap<Contract, string>()
  hashes.set(view, ofView)
  const known = ofView.get(contract) ?? hashOf(view, contract)
  ofView.set(contract, known)
  return known
}

function hashOf(view: ViewDefinition, contract: Contract): string {
  const { key, window, aggregates, derived, filter } = view
  const major = majorOf(contract.version)
  const meaning: unknown[] = [key, window, aggregates, major]
  // Only where they are: a view without them means what it meant before there were any.
  if (derived !== undefined || filter !== undefined) meaning.push(derived ?? [], filter ?? true)
  return contentHash(Buffer.from(JSON.stringify(meaning)))
}

/** Over how many partitions the slots of each view are spread, by state name. */
export function subSlotsOf(
  views: readonly ViewDefinition[],
  generation?: string,
): ReadonlyMap<string, number> {
  return new Map(views.map((view) => [stateNameOf(view, generation), view.subSlots ?? 1]))
}

/** Digits behind the point of a view's key; none for what is no decimal. */
export function keyScaleOf(contract: Contract, key: string): number {
  const type = contract.fields.find((field) => field.name === key)?.type
  return type === undefined ? 0 : scaleOf(type)
}
