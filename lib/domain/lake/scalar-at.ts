import { type FlatColumn, utf8At } from '../kernel/columns.ts'
import type { ScalarValue } from './single-value.ts'

/** The value of a row, which has one. */
export function scalarAt(column: FlatColumn, row: number): ScalarValue {
  switch (column.kind) {
    case 'utf8':
      return utf8At(column, row)
    case 'boolean':
      return column.values[row] === 1
    default:
      return column.values[row]!
  }
}
