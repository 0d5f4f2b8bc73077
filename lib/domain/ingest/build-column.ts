import type { Scalar } from '#lib/domain/contract/scalar.ts'
import { type Column, utf8Column } from '#lib/domain/kernel/columns.ts'
import type { IcebergType } from '#lib/domain/lake/schema.ts'

/** A column of the table's type from values in row order; `null` is no value. */
export function columnOf(type: IcebergType, values: readonly (Scalar | null)[]): Column {
  if (type === 'string') return utf8Column(values as readonly (string | null)[])
  const nulls = values.includes(null)
    ? { nulls: Uint8Array.from(values, (value) => (value === null ? 1 : 0)) }
    : {}
  switch (type) {
    case 'int':
    case 'date':
      return { kind: 'int32', values: Int32Array.from(values, Number), ...nulls }
    case 'double':
      return { kind: 'float64', values: Float64Array.from(values, Number), ...nulls }
    case 'boolean':
      return { kind: 'boolean', values: Uint8Array.from(values, Number), ...nulls }
    default: {
      const longs = BigInt64Array.from(values, (value) => (value as bigint | null) ?? 0n)
      return { kind: 'int64', values: longs, ...nulls }
    }
  }
}
