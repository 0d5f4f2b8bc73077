import type { AggregateDefinition, StalePolicy, ViewDefinition } from '#lib/domain/process/view.ts'
import type { WindowDefinition } from '#lib/domain/process/window.ts'
import type { FieldKinds, Kind, NamesOf, Of } from './expressions.ts'

type Numeric = 'int' | 'long' | 'decimal' | 'double'
type Ordered = Numeric | 'date' | 'timestamp' | 'string'
type Key = 'string' | 'int' | 'long' | 'decimal' | 'boolean'

type Derived = Readonly<Record<string, Of<Kind>>>
type KindOf<Expression> = Expression extends Of<infer K> ? K : never
type AllKinds<Fields, Columns extends Derived> = Fields & {
  readonly [Name in keyof Columns]: KindOf<Columns[Name]>
}

/** An aggregate of a field of the right kind. */
type Aggregate<All> =
  | { readonly function: 'count'; readonly field?: keyof All & string }
  | { readonly function: 'sum' | 'mean'; readonly field: NamesOf<All, Numeric> }
  | ({
      readonly function: 'variance'
      readonly field: NamesOf<All, Numeric>
    } & OptionsOf<'variance'>)
  | ({
      readonly function: 'quantile'
      readonly field: NamesOf<All, Numeric>
    } & OptionsOf<'quantile'>)
  | ({
      readonly function: 'distinct'
      readonly field: NamesOf<All, Ordered>
    } & OptionsOf<'distinct'>)
  | { readonly function: 'min' | 'max'; readonly field: NamesOf<All, Ordered> }
  | ({ readonly function: 'topk'; readonly field: NamesOf<All, Kind> } & OptionsOf<'topk'>)
  | { readonly function: 'first' | 'last'; readonly field: NamesOf<All, Kind> }

type OptionsOf<Name extends AggregateDefinition['function']> = Omit<
  Extract<AggregateDefinition, { function: Name }>,
  'name' | 'field' | 'function'
>

/** A view in the words of a product's fields: what names no field, or one of the wrong kind, does not compile. */
export interface TypedView<Fields, Columns extends Derived, Names extends string>
  extends Omit<ViewDefinition, 'key' | 'derived' | 'filter' | 'aggregates' | 'whenStale'> {
  /** The field or derived column whose value is the key. */
  readonly key: NamesOf<AllKinds<Fields, Columns>, Key>
  /** Columns that are computed of each row. */
  readonly derived?: Columns
  /** Which rows count. @default all */
  readonly filter?: Of<'boolean'>
  readonly window: WindowDefinition
  readonly aggregates: Readonly<Record<Names, Aggregate<AllKinds<Fields, Columns>>>>
  readonly whenStale?: StalePolicy<Names>
}

type NoColumns = Readonly<Record<never, never>>

interface MakeView<Fields> {
  <Names extends string>(
    view: TypedView<Fields, NoColumns, Names> & { readonly derived?: never },
  ): ViewDefinition
  <Names extends string, Columns extends Derived>(
    view: TypedView<Fields, Columns, Names> & { readonly derived: Columns },
  ): ViewDefinition
}

/**
 * Makes views of a product, whose fields' kinds are in a file that `weir contract fields` writes:
 * `const view = viewsOf<TripsFields>()`.
 */
export function viewsOf<Fields extends FieldKinds>(): MakeView<Fields> {
  return (
    view: Omit<ViewDefinition, 'derived' | 'aggregates'> & UntypedColumns,
  ): ViewDefinition => {
    const { derived, aggregates, ...rest } = view
    const columns = Object.entries(derived ?? {}).map(([name, value]) => ({ name, value }))
    return {
      ...rest,
      ...(columns.length === 0 ? {} : { derived: columns }),
      aggregates: Object.entries(aggregates).map(
        ([name, aggregate]) => ({ name, ...(aggregate as object) }) as AggregateDefinition,
      ),
    }
  }
}

interface UntypedColumns {
  readonly derived?: Derived
  readonly aggregates: Readonly<Record<string, unknown>>
}
