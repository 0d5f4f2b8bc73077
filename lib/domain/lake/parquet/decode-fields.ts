import { parquetMetadata } from 'hyparquet'
import type { Column, ColumnBatch } from '../../kernel/columns.ts'
import type { TableField } from '../schema.ts'
import { decodeParquet } from './decode.ts'
import { columnKind } from './parquet-schema.ts'

/**
 * The columns of these fields, by the names that they have here, from a file that any version of the table's schema
 * wrote: a column is found by its field id, one that the file lacks is all null, an integer of 32 bits becomes one of
 * 64 where the field has 64. A file of a newer version may hold more bits than the field; they are kept.
 */
export async function decodeFields(
  bytes: Uint8Array,
  fields: readonly TableField[],
): Promise<ColumnBatch> {
  const { schema } = parquetMetadata(bytes, { geoparquet: false })
  const nameOf = new Map(schema.map((element) => [element.field_id, element.name]))
  const held = fields.flatMap((field) => nameOf.get(field.id) ?? [])
  const batch = await decodeParquet(bytes, held)
  const columns = fields.map((field): [string, Column] => {
    const name = nameOf.get(field.id)
    const column = name === undefined ? undefined : batch.columns.get(name)
    return [field.name, column === undefined ? nulls(field, batch.rows) : widened(field, column)]
  })
  return { rows: batch.rows, columns: new Map(columns) }
}

function widened(field: TableField, column: Column): Column {
  if (column.kind !== 'int32' || columnKind(field.type) !== 'int64') return column
  const values = BigInt64Array.from(column.values, BigInt)
  return { ...column, kind: 'int64', values }
}

function nulls(field: TableField, rows: number): Column {
  const none = new Uint8Array(rows).fill(1)
  switch (columnKind(field.type)) {
    case 'int32':
      return { kind: 'int32', values: new Int32Array(rows), nulls: none }
    case 'int64':
      return { kind: 'int64', values: new BigInt64Array(rows), nulls: none }
    case 'float64':
      return { kind: 'float64', values: new Float64Array(rows), nulls: none }
    case 'boolean':
      return { kind: 'boolean', values: new Uint8Array(rows), nulls: none }
    case 'utf8':
      return {
        kind: 'utf8',
        bytes: new Uint8Array(),
        offsets: new Int32Array(rows + 1),
        nulls: none,
      }
  }
}
