import type { Column, ColumnBatch } from '#lib/domain/kernel/columns.ts'

/** The rows at these positions, in this order. */
export function takeRows(batch: ColumnBatch, rows: readonly number[]): ColumnBatch {
  const columns = new Map<string, Column>()
  for (const [name, column] of batch.columns) columns.set(name, takeColumn(column, rows))
  return { rows: rows.length, columns }
}

function takeColumn(column: Column, rows: readonly number[]): Column {
  const nulls = column.nulls && Uint8Array.from(rows, (row) => column.nulls![row]!)
  const withNulls = nulls?.includes(1) ? { nulls } : {}
  switch (column.kind) {
    case 'int32':
      return {
        kind: 'int32',
        values: Int32Array.from(rows, (r) => column.values[r]!),
        ...withNulls,
      }
    case 'int64':
      return {
        kind: 'int64',
        values: BigInt64Array.from(rows, (r) => column.values[r]!),
        ...withNulls,
      }
    case 'float64':
      return {
        kind: 'float64',
        values: Float64Array.from(rows, (r) => column.values[r]!),
        ...withNulls,
      }
    case 'boolean':
      return {
        kind: 'boolean',
        values: Uint8Array.from(rows, (r) => column.values[r]!),
        ...withNulls,
      }
    case 'utf8': {
      const offsets = new Int32Array(rows.length + 1)
      rows.forEach((r, i) => {
        offsets[i + 1] = offsets[i]! + column.offsets[r + 1]! - column.offsets[r]!
      })
      const bytes = new Uint8Array(offsets[rows.length]!)
      rows.forEach((r, i) => {
        bytes.set(column.bytes.subarray(column.offsets[r], column.offsets[r + 1]), offsets[i])
      })
      return { kind: 'utf8', bytes, offsets, ...withNulls }
    }
    case 'struct': {
      const fields = [...column.fields].map(([name, field]): [string, Column] => [
        name,
        takeColumn(field, rows),
      ])
      return { kind: 'struct', rows: rows.length, fields: new Map(fields), ...withNulls }
    }
    case 'list': {
      const offsets = new Int32Array(rows.length + 1)
      const taken: number[] = []
      rows.forEach((r, i) => {
        for (let at = column.offsets[r]!; at < column.offsets[r + 1]!; at++) taken.push(at)
        offsets[i + 1] = taken.length
      })
      return { kind: 'list', offsets, elements: takeColumn(column.elements, taken), ...withNulls }
    }
  }
}
