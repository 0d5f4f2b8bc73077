import { type Column, isNull, utf8At } from '#lib/domain/kernel/columns.ts'

/** A row's value as a test writes it: strings decoded, structs as objects, lists as arrays. */
export function valueAt(column: Column, row: number): unknown {
  if (isNull(column, row)) return null
  switch (column.kind) {
    case 'utf8':
      return utf8At(column, row)
    case 'struct':
      return Object.fromEntries(
        [...column.fields].map(([name, field]) => [name, valueAt(field, row)]),
      )
    case 'list': {
      const [start, end] = [column.offsets[row]!, column.offsets[row + 1]!]
      return Array.from({ length: end - start }, (_, i) => valueAt(column.elements, start + i))
    }
    default:
      return column.values[row]
  }
}
