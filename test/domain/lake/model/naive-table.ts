import {
  type Column,
  type ColumnBatch,
  isNull,
  utf8At,
  utf8Column,
} from '#lib/domain/kernel/columns.ts'
import type { Predicate } from '#lib/domain/lake/predicate/predicate.ts'
import { decimalOf, type PrimitiveType, type TableSchema } from '#lib/domain/lake/schema.ts'

/** A value as the model has it: every whole number is a bigint, whatever its width. */
export type Plain = bigint | number | string | boolean | null

/** Values by field id; what is not there is null. */
export type Row = ReadonlyMap<number, Plain>

/** Every row as text by the columns of the schema, sorted: equal for equal tables. */
export function textsOf(rows: readonly Row[], schema: TableSchema): readonly string[] {
  return rows
    .map((row) => schema.fields.map(({ id }) => String(row.get(id) ?? null)).join(' | '))
    .toSorted()
}

export function rowsOfBatch(batch: ColumnBatch, schema: TableSchema): readonly Row[] {
  return Array.from(
    { length: batch.rows },
    (_, row) =>
      new Map(schema.fields.map(({ id, name }) => [id, plainAt(batch.columns.get(name)!, row)])),
  )
}

function plainAt(column: Column, row: number): Plain {
  if (isNull(column, row)) return null
  switch (column.kind) {
    case 'utf8':
      return utf8At(column, row)
    case 'boolean':
      return column.values[row] === 1
    case 'float64':
      return column.values[row]!
    case 'int32':
    case 'int64':
      return BigInt(column.values[row]!)
    default:
      throw new Error(`the model has no ${column.kind}`)
  }
}

export function batchOf(rows: readonly Row[], schema: TableSchema): ColumnBatch {
  const columns = schema.fields.map(({ id, name, type }): [string, Column] => [
    name,
    columnOf(
      type as PrimitiveType,
      rows.map((row) => row.get(id) ?? null),
    ),
  ])
  return { rows: rows.length, columns: new Map(columns) }
}

function columnOf(type: PrimitiveType, values: readonly Plain[]): Column {
  const nulls = Uint8Array.from(values, (value) => (value === null ? 1 : 0))
  const withNulls = nulls.includes(1) ? { nulls } : {}
  switch (type) {
    case 'string':
      return utf8Column(values as (string | null)[])
    case 'boolean':
      return { kind: 'boolean', values: Uint8Array.from(values, Number), ...withNulls }
    case 'double':
      return {
        kind: 'float64',
        values: Float64Array.from(values, (one) => Number(one ?? 0)),
        ...withNulls,
      }
    case 'int':
    case 'date':
      return {
        kind: 'int32',
        values: Int32Array.from(values, (one) => Number(one ?? 0)),
        ...withNulls,
      }
    default:
      return {
        kind: 'int64',
        values: BigInt64Array.from(values, (one) => BigInt((one as bigint | null) ?? 0)),
        ...withNulls,
      }
  }
}

/** SQL that makes text of a column, the same as the model's. */
export function sqlText(name: string, type: PrimitiveType): string {
  const column = `"${name}"`
  const decimal = decimalOf(type)
  if (decimal) return `CAST(CAST(${column} * ${10 ** decimal.scale} AS BIGINT) AS VARCHAR)`
  switch (type) {
    case 'timestamptz':
      return `CAST(epoch_us(${column}) AS VARCHAR)`
    case 'date':
      return `CAST(${column} - DATE '1970-01-01' AS VARCHAR)`
    case 'double':
      return `CAST(CAST(${column} * 8 AS BIGINT) AS VARCHAR)`
    default:
      return `CAST(${column} AS VARCHAR)`
  }
}

/** As {@link sqlText} has it. */
export function engineText(value: Plain, type: PrimitiveType): string | null {
  if (value === null) return null
  return type === 'double' ? String(Math.round(Number(value) * 8)) : String(value)
}

/** True, false, or undefined for unknown, the plainest way there is. */
export function holds(predicate: Predicate, row: Row, schema: TableSchema): boolean | undefined {
  const held = (column: string) =>
    row.get(schema.fields.find(({ name }) => name === column)!.id) ?? null
  switch (predicate.kind) {
    case 'always':
      return true
    case 'not': {
      const inner = holds(predicate.of, row, schema)
      return inner === undefined ? undefined : !inner
    }
    case 'and': {
      const parts = predicate.of.map((one) => holds(one, row, schema))
      return parts.includes(false) ? false : parts.includes(undefined) ? undefined : true
    }
    case 'or': {
      const parts = predicate.of.map((one) => holds(one, row, schema))
      return parts.includes(true) ? true : parts.includes(undefined) ? undefined : false
    }
    case 'isNull':
      return held(predicate.column) === null
    case 'in': {
      const value = held(predicate.column)
      // biome-ignore lint/suspicious/noDoubleEquals: the model has no narrow numbers
      return value === null ? undefined : predicate.values.some((one) => one == value)
    }
    case 'compare': {
      const value = held(predicate.column)
      if (value === null) return undefined
      const other = predicate.value
      switch (predicate.op) {
        case '=':
          // biome-ignore lint/suspicious/noDoubleEquals: the model has no narrow numbers
          return value == other
        case '!=':
          // biome-ignore lint/suspicious/noDoubleEquals: the model has no narrow numbers
          return value != other
        case '<':
          return value < other
        case '<=':
          return value <= other
        case '>':
          return value > other
        case '>=':
          return value >= other
      }
    }
  }
}
