import { type Column, type ColumnBatch, lengthOf } from '../../kernel/columns.ts'
import { PlatformError } from '../../kernel/errors.ts'
import type { IcebergType, TableField } from '../schema.ts'
import { decodeColumns, readFooter } from './decode.ts'
import { columnKind } from './parquet-schema.ts'

/**
 * The columns of these fields, by the names that they have here, from a file that any version of the table's schema
 * wrote: a column is found by its field id, one that the file lacks is all null, an integer of 32 bits becomes one of
 * 64 where the field has 64; the same inside of structs and lists. A file of a newer version may hold more bits than the
 * field; they are kept. Throws `lake.unsupportedColumn` for a file without field ids, as no Iceberg writer makes them.
 */
export async function decodeFields(
  bytes: Uint8Array,
  fields: readonly TableField[],
): Promise<ColumnBatch> {
  const footer = readFooter(bytes)
  const { schema } = footer
  if (schema.every((element) => element.field_id === undefined)) {
    // Every column would look absent, and a rewrite would lose it.
    throw new PlatformError('lake.unsupportedColumn', 'the file has no field ids')
  }
  const nameOf = new Map(schema.map((element) => [element.field_id, element.name]))
  const held = fields.flatMap((field) => nameOf.get(field.id) ?? [])
  const batch = await decodeColumns(bytes, footer, held)
  const columns = fields.map((field): [string, Column] => {
    const name = nameOf.get(field.id)
    const column = name === undefined ? undefined : batch.columns.get(name)
    return [field.name, conformed(field.type, column, batch.rows, nameOf)]
  })
  return { rows: batch.rows, columns: new Map(columns) }
}

/** A column of the file as the type has it; what the file calls a field, by id. */
function conformed(
  type: IcebergType,
  column: Column | undefined,
  rows: number,
  nameOf: ReadonlyMap<number | undefined, string>,
): Column {
  if (column === undefined) return nulls(type, rows)
  if (column.kind === 'int32' && columnKind(type) === 'int64') {
    return { ...column, kind: 'int64', values: BigInt64Array.from(column.values, BigInt) }
  }
  if (typeof type === 'string') return column
  if (type.type === 'list' && column.kind === 'list') {
    const held = lengthOf(column.elements)
    return { ...column, elements: conformed(type.element, column.elements, held, nameOf) }
  }
  if (type.type !== 'struct' || column.kind !== 'struct') return column
  const fields = type.fields.map((field): [string, Column] => [
    field.name,
    conformed(field.type, column.fields.get(nameOf.get(field.id) ?? ''), rows, nameOf),
  ])
  return { ...column, fields: new Map(fields) }
}

function nulls(type: IcebergType, rows: number): Column {
  const none = new Uint8Array(rows).fill(1)
  const offsets = new Int32Array(rows + 1)
  if (typeof type !== 'string') {
    if (type.type === 'list') {
      return { kind: 'list', offsets, elements: nulls(type.element, 0), nulls: none }
    }
    const fields = type.fields.map((field): [string, Column] => [
      field.name,
      nulls(field.type, rows),
    ])
    return { kind: 'struct', rows, fields: new Map(fields), nulls: none }
  }
  switch (columnKind(type)) {
    case 'int32':
      return { kind: 'int32', values: new Int32Array(rows), nulls: none }
    case 'float64':
      return { kind: 'float64', values: new Float64Array(rows), nulls: none }
    case 'boolean':
      return { kind: 'boolean', values: new Uint8Array(rows), nulls: none }
    case 'utf8':
      return { kind: 'utf8', bytes: new Uint8Array(), offsets, nulls: none }
    default:
      return { kind: 'int64', values: new BigInt64Array(rows), nulls: none }
  }
}
