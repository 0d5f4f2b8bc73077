import type { FieldType } from '#lib/domain/contract/contract.ts'
import { icebergType } from '#lib/domain/contract/table-columns.ts'
import { columnOf } from '#lib/domain/ingest/build-column.ts'
import { type Column, isNull } from '#lib/domain/kernel/columns.ts'
import { Utf8Builder } from '#lib/domain/kernel/utf8-builder.ts'

/** The value of each row of a subject's column as text; undefined where it has none. */
export function valueTexts(column: Column): (row: number) => string | undefined {
  switch (column.kind) {
    case 'utf8': {
      const { buffer, byteOffset, byteLength } = column.bytes
      const bytes = Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength)
      const { offsets } = column
      return (row) =>
        isNull(column, row) ? undefined : bytes.toString('utf8', offsets[row], offsets[row + 1])
    }
    case 'int32':
    case 'int64':
      return (row) => (isNull(column, row) ? undefined : String(column.values[row]))
    default:
      throw new Error(`a subject is a string, int or long, not ${column.kind}`)
  }
}

/** Tokens by row. */
export function tokenColumn(tokens: readonly (string | undefined)[]): Column {
  const builder = new Utf8Builder(tokens.length, 24 * tokens.length)
  for (const token of tokens) builder.add(token)
  return builder.finish()
}

/** So many rows without a value. */
export function nothing(type: FieldType, rows: number): Column {
  const nulls = new Uint8Array(rows).fill(1)
  switch (type.kind) {
    case 'string':
    case 'time':
      return { kind: 'utf8', bytes: new Uint8Array(0), offsets: new Int32Array(rows + 1), nulls }
    default:
      return columnOf(icebergType(type), new Array<null>(rows).fill(null))
  }
}
