import {
  type Column,
  type FlatColumn,
  type ListColumn,
  lengthOf,
  type StructColumn,
} from '../../kernel/columns.ts'
import { PlatformError } from '../../kernel/errors.ts'
import { elementOf, type PrimitiveType, type TableField, typeText } from '../schema.ts'
import {
  type ColumnMetrics,
  columnMetrics,
  countNulls,
  type Extremes,
  extremesOf,
} from './metrics.ts'
import { columnKind } from './parquet-schema.ts'

/** A column that holds values: one chunk of a Parquet file. */
export interface Leaf {
  readonly id: number
  readonly type: PrimitiveType
  /** Absent inside of a list: a row has any number of values there, and nothing is concluded from them. */
  readonly metrics?: ColumnMetrics
  readonly extremes?: Extremes
}

/**
 * The leaves of a field in the order of the file, measured. Throws `lake.columnMismatch` if a column is not what the
 * field says, `lake.missingValue` for a null in a required one: of a struct's field, where the struct is there.
 */
export function measureLeaves(
  field: TableField,
  column: Column | undefined,
  rows: number,
): readonly Leaf[] {
  return measure(field, column, rows, 0, false)
}

function measure(
  field: TableField,
  column: Column | undefined,
  rows: number,
  missingParents: number,
  inList: boolean,
): readonly Leaf[] {
  const { id, type } = field
  expectKind(field, column, rows)
  const nulls = countNulls(column!.nulls, rows)
  if (field.required && nulls > missingParents) {
    throw new PlatformError('lake.missingValue', `null in required column ${field.name}`, {
      context: { field: field.name, nulls: nulls - missingParents },
    })
  }
  if (typeof type === 'string') {
    if (inList) return [{ id, type }]
    const extremes = extremesOf(column as FlatColumn, rows)
    return [{ id, type, extremes, metrics: columnMetrics(type, column as FlatColumn, extremes) }]
  }
  if (type.type === 'struct') {
    const { fields } = column as StructColumn
    return type.fields.flatMap((child) =>
      measure(child, fields.get(child.name), rows, nulls, inList),
    )
  }
  const { offsets, elements } = column as ListColumn
  return measure(elementOf(type), elements, offsets[rows]!, 0, true)
}

function expectKind(field: TableField, column: Column | undefined, rows: number): void {
  const length = column && lengthOf(column)
  if (column?.kind === columnKind(field.type) && length! >= rows) return
  throw new PlatformError(
    'lake.columnMismatch',
    `column ${field.name} (${typeText(field.type)}) wants ${rows} values of ${columnKind(field.type)}, found ${
      column ? `${length} of ${column.kind}` : 'no such column'
    }`,
  )
}
