import { PlatformError } from '../kernel/errors.ts'
import { fieldById, type TableSchema, typeText } from './schema.ts'
import { isTransform, type Transform, transformedType } from './transform.ts'

export interface SortField {
  readonly sourceId: number
  readonly transform: Transform
  readonly direction: 'asc' | 'desc'
  readonly nulls: 'first' | 'last'
}

/** What rows of a file stand in the order of. Empty: of nothing. */
export interface SortOrder {
  readonly fields: readonly SortField[]
}

/** A sort order in metadata's own words. */
export interface SortOrderJson {
  readonly 'order-id': number
  readonly fields: readonly {
    readonly transform: string
    readonly 'source-id': number
    readonly direction: 'asc' | 'desc'
    readonly 'null-order': 'nulls-first' | 'nulls-last'
  }[]
}

/** The id of the order of nothing, in every table. */
export const UNSORTED_ID = 0

/** The order as Weir can bring rows into it; undefined if it has none, or by a transform that Weir does not know. */
export function sortOrderOf({ fields }: SortOrderJson): SortOrder | undefined {
  const known = fields.flatMap((field) => {
    const { transform, direction } = field
    if (!isTransform(transform)) return []
    const nulls = field['null-order'] === 'nulls-first' ? ('first' as const) : ('last' as const)
    return { sourceId: field['source-id'], transform, direction, nulls }
  })
  return known.length > 0 && known.length === fields.length ? { fields: known } : undefined
}

/** Throws `lake.unsupportedSortOrder` for what has no order. */
export function sortOrderJson(id: number, order: SortOrder, schema: TableSchema): SortOrderJson {
  return {
    'order-id': id,
    fields: order.fields.map(({ sourceId, transform, direction, nulls }) => {
      const { name, type } = fieldById(schema, sourceId)
      if (typeof type !== 'string' || transformedType(transform, type) === undefined) {
        throw new PlatformError(
          'lake.unsupportedSortOrder',
          `cannot sort by ${transform} of a ${typeText(type)} (field ${name})`,
        )
      }
      return {
        transform,
        'source-id': sourceId,
        direction,
        'null-order': `nulls-${nulls}` as const,
      }
    }),
  }
}
