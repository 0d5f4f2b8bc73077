import type { SchemaElement } from 'hyparquet'
import {
  type Column,
  type FlatColumn,
  type ListColumn,
  lengthOf,
  type StructColumn,
} from '../../kernel/columns.ts'
import { PlatformError } from '../../kernel/errors.ts'
import { elementOf, type PrimitiveType, type TableField, typeText } from '../schema.ts'
import { levelsOf, type PathStep } from './levels.ts'
import { columnKind, parquetElements } from './parquet-schema.ts'

/** A column that holds values: one chunk of each row group of a Parquet file. */
export interface Leaf {
  readonly id: number
  readonly type: PrimitiveType
  readonly element: SchemaElement
  readonly column: FlatColumn
  /** From the top down to the column itself. */
  readonly path: readonly PathStep[]
  /** The same path as the file names it. */
  readonly names: readonly string[]
  /** The most that they can be. */
  readonly levels: { readonly definition: number; readonly repetition: number }
}

interface Place {
  readonly path: readonly PathStep[]
  readonly names: readonly string[]
  /** Rows in which what the field belongs to has no value. */
  readonly missingParents: number
}

const TOP: Place = { path: [], names: [], missingParents: 0 }

/**
 * The leaves of a field in the order of the file. Throws `lake.columnMismatch` if a column is not what the field says,
 * `lake.missingValue` for a null in a required one: of a struct's field, where the struct is there.
 */
export function leavesOf(
  field: TableField,
  column: Column | undefined,
  rows: number,
  place = TOP,
): readonly Leaf[] {
  const { id, type, required } = field
  expectSound(field, column, rows)
  const nulls = countNulls(column.nulls, rows)
  if (required && nulls > place.missingParents) {
    throw new PlatformError('lake.missingValue', `null in required column ${field.name}`, {
      context: { field: field.name, nulls: nulls - place.missingParents },
    })
  }
  const path = [...place.path, { column, isRequired: required }]
  const names = [...place.names, field.name]
  if (typeof type === 'string') {
    const [element] = parquetElements(field)
    const flat = column as FlatColumn
    return [{ id, type, element: element!, column: flat, path, names, levels: levelsOf(path) }]
  }
  if (type.type === 'struct') {
    const { fields } = column as StructColumn
    return type.fields.flatMap((child) =>
      leavesOf(child, fields.get(child.name), rows, { path, names, missingParents: nulls }),
    )
  }
  const { offsets, elements } = column as ListColumn
  const inside = { path, names: [...names, 'list'], missingParents: 0 }
  return leavesOf(elementOf(type), elements, offsets[rows]!, inside)
}

function expectSound(
  field: TableField,
  column: Column | undefined,
  rows: number,
): asserts column is Column {
  const kind = columnKind(field.type)
  const length = column && lengthOf(column)
  const what = `column ${field.name} (${typeText(field.type)})`
  if (column?.kind !== kind || length! < rows) {
    const found = column ? `${length} of ${column.kind}` : 'no such column'
    throw new PlatformError(
      'lake.columnMismatch',
      `${what} wants ${rows} values of ${kind}, found ${found}`,
    )
  }
  if (column.nulls !== undefined && column.nulls.length < rows) {
    throw new PlatformError(
      'lake.columnMismatch',
      `${what} wants ${rows} nulls, found ${column.nulls.length}`,
    )
  }
  const held = 'offsets' in column ? heldBy(column) : 0
  if ('offsets' in column && !areSound(column.offsets, rows, held)) {
    throw new PlatformError(
      'lake.columnMismatch',
      `${what} wants ascending offsets up to ${held} at most`,
    )
  }
}

function heldBy(column: Extract<Column, { readonly offsets: Int32Array }>): number {
  return column.kind === 'list' ? lengthOf(column.elements) : column.bytes.length
}

function areSound(offsets: Int32Array, rows: number, most: number): boolean {
  let previous = 0
  for (let row = 0; row <= rows; row++) {
    if (offsets[row]! < previous) return false
    previous = offsets[row]!
  }
  return previous <= most
}

/** How many of the first rows have no value. */
function countNulls(nulls: Uint8Array | undefined, rows: number): number {
  if (!nulls) return 0
  let count = 0
  for (let row = 0; row < rows; row++) count += nulls[row]!
  return count
}
