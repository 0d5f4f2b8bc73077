import type { Value } from '#lib/domain/contract/value.ts'
import { type Column, utf8Column } from '#lib/domain/kernel/columns.ts'
import type { IcebergType } from '#lib/domain/lake/schema.ts'

/** A column of the table's type from values in row order; `null` is no value. */
export function columnOf(type: IcebergType, values: readonly (Value | null)[]): Column {
  if (type === 'string') return utf8Column(values as readonly (string | null)[])
  const nulls = values.includes(null)
    ? { nulls: Uint8Array.from(values, (value) => (value === null ? 1 : 0)) }
    : {}
  if (typeof type !== 'string') return { ...nestedColumn(type, values), ...nulls }
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

/** A struct's value holds those of its fields in their order, a list's value its elements. */
function nestedColumn(
  type: Exclude<IcebergType, string>,
  values: readonly (Value | null)[],
): Column {
  const members = values as readonly (readonly (Value | null)[] | null)[]
  if (type.type === 'struct') {
    const fields = type.fields.map((field, at): [string, Column] => [
      field.name,
      columnOf(
        field.type,
        members.map((member) => member?.[at] ?? null),
      ),
    ])
    return { kind: 'struct', rows: values.length, fields: new Map(fields) }
  }
  const offsets = new Int32Array(values.length + 1)
  const elements: (Value | null)[] = []
  for (const [row, member] of members.entries()) {
    for (const element of member ?? []) elements.push(element)
    offsets[row + 1] = elements.length
  }
  return { kind: 'list', offsets, elements: columnOf(type.element, elements) }
}
