import type { Value } from '#lib/domain/contract/value.ts'
import { type Column, isNull } from '#lib/domain/kernel/columns.ts'
import { scalarAt } from '#lib/domain/lake/scalar-at.ts'

/** A row's value as `columnOf` takes it; null where there is none. */
export function valueAt(column: Column, row: number): Value | null {
  if (isNull(column, row)) return null
  if (column.kind === 'struct') return [...column.fields.values()].map((one) => valueAt(one, row))
  if (column.kind !== 'list') return scalarAt(column, row)
  const { offsets, elements } = column
  const count = offsets[row + 1]! - offsets[row]!
  return Array.from({ length: count }, (_, at) => valueAt(elements, offsets[row]! + at))
}
