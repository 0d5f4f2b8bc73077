import { PlatformError } from '../kernel/errors.ts'
import { fieldById, type TableSchema, typeText } from './schema.ts'
import { type Transform, transformedType } from './transform.ts'

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
