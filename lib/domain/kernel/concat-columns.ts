import type { Column, ColumnBatch, ListColumn, StructColumn } from './columns.ts'
import { PlatformError } from './errors.ts'

/**
 * The rows of all batches, one after another. The batches have the same columns, by name and kind; throws
 * `kernel.columnMismatch` otherwise. Without batches there are no columns either.
 */
export function concatBatches(batches: readonly ColumnBatch[]): ColumnBatch {
  const [first] = batches
  if (first === undefined) return { rows: 0, columns: new Map() }
  const columns = [...first.columns.keys()].map((name): [string, Column] => {
    const parts = batches.map((batch) => [batch.columns.get(name), batch.rows] as const)
    return [name, concatColumns(same(parts, name))]
  })
  const rows = batches.reduce((sum, batch) => sum + batch.rows, 0)
  return { rows, columns: new Map(columns) }
}

/** A column and how many of its rows count. */
type Part = readonly [column: Column, rows: number]

function concatColumns(parts: readonly Part[]): Column {
  const { kind } = parts[0]![0]
  const rows = parts.reduce((sum, part) => sum + part[1], 0)
  const nulls = concatNulls(parts, rows)
  const withNulls = nulls ? { nulls } : {}
  switch (kind) {
    case 'int32':
      return { kind, values: filled(new Int32Array(rows), parts), ...withNulls }
    case 'int64':
      return { kind, values: filled(new BigInt64Array(rows), parts), ...withNulls }
    case 'float64':
      return { kind, values: filled(new Float64Array(rows), parts), ...withNulls }
    case 'boolean':
      return { kind, values: filled(new Uint8Array(rows), parts), ...withNulls }
    case 'utf8': {
      const { offsets, total } = concatOffsets(parts as readonly OffsetPart[], rows)
      const bytes = new Uint8Array(total)
      let at = 0
      for (const [column, count] of parts as readonly (readonly [Utf8Column, number])[]) {
        const used = column.bytes.subarray(0, column.offsets[count])
        bytes.set(used, at)
        at += used.length
      }
      return { kind, bytes, offsets, ...withNulls }
    }
    case 'list': {
      const lists = parts as readonly (readonly [ListColumn, number])[]
      const elements = lists.map(([{ elements: inner, offsets }, count]): Part => {
        return [inner, offsets[count]!]
      })
      const { offsets } = concatOffsets(lists, rows)
      return { kind, offsets, elements: concatColumns(same(elements, 'element')), ...withNulls }
    }
    case 'struct': {
      const structs = parts as readonly (readonly [StructColumn, number])[]
      const fields = [...structs[0]![0].fields.keys()].map((name): [string, Column] => {
        const inner = structs.map(([{ fields: own }, count]) => [own.get(name), count] as const)
        return [name, concatColumns(same(inner, name))]
      })
      return { kind, rows, fields: new Map(fields), ...withNulls }
    }
  }
}

type Utf8Column = Extract<Column, { kind: 'utf8' }>
type OffsetPart = readonly [Utf8Column | ListColumn, number]

/** The parts if each has the column, of one kind. */
function same(
  parts: readonly (readonly [column: Column | undefined, rows: number])[],
  name: string,
): readonly Part[] {
  const kind = parts[0]![0]?.kind
  for (const [column] of parts) {
    if (column !== undefined && column.kind === kind) continue
    throw new PlatformError(
      'kernel.columnMismatch',
      `column ${name} is ${kind ?? 'missing'} in one batch and ${column?.kind ?? 'missing'} in another`,
    )
  }
  return parts as readonly Part[]
}

function filled<
  Values extends {
    set(from: never, at: number): void
    subarray(from: number, to: number): unknown
  },
>(target: Values, parts: readonly Part[]): Values {
  let at = 0
  for (const [column, rows] of parts) {
    target.set((column as unknown as { values: Values }).values.subarray(0, rows) as never, at)
    at += rows
  }
  return target
}

/** Each part's offsets behind those of the parts before it. */
function concatOffsets(parts: readonly OffsetPart[], rows: number) {
  const offsets = new Int32Array(rows + 1)
  let [row, total] = [0, 0]
  for (const [column, count] of parts) {
    for (let at = 0; at <= count; at++) offsets[row + at] = total + column.offsets[at]!
    row += count
    total += column.offsets[count]!
  }
  return { offsets, total }
}

function concatNulls(parts: readonly Part[], rows: number): Uint8Array | undefined {
  if (parts.every(([column]) => column.nulls === undefined)) return undefined
  const nulls = new Uint8Array(rows)
  let at = 0
  for (const [column, count] of parts) {
    if (column.nulls) nulls.set(column.nulls.subarray(0, count), at)
    at += count
  }
  return nulls
}
