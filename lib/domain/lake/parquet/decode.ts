import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib'
import {
  type FileMetaData,
  parquetMetadata,
  parquetRead,
  parquetSchema,
  type SchemaTree,
} from 'hyparquet'
import type { Column, ColumnBatch } from '../../kernel/columns.ts'
import { PlatformError } from '../../kernel/errors.ts'
import { fromTwosComplement } from '../single-value.ts'
import { type ReadAs, readAs } from './parquet-schema.ts'

const compressors = {
  ZSTD: (bytes: Uint8Array) => zstdDecompressSync(bytes),
  GZIP: (bytes: Uint8Array) => gunzipSync(bytes),
  BROTLI: (bytes: Uint8Array) => brotliDecompressSync(bytes),
}

/** A stretch of values as they stand in the file; null or undefined where there is none. */
interface Stretch {
  readonly rowStart: number
  readonly values: ArrayLike<unknown>
}

/**
 * The named columns, exactly: decimals and times as the integers they are stored as, strings as their bytes.
 * Only the pages of these columns are unpacked. Throws `lake.unknownColumn` if the file lacks one.
 */
export async function decodeParquet(
  bytes: Uint8Array,
  columns: readonly string[],
): Promise<ColumnBatch> {
  return decodeColumns(bytes, readFooter(bytes), columns)
}

/** What a file says of itself: in a small file more work to read than its rows. */
export function readFooter(bytes: Uint8Array): FileMetaData {
  const isWhole = bytes.byteLength === bytes.buffer.byteLength
  return parquetMetadata(isWhole ? bytes : copyOf(bytes), { geoparquet: false })
}

function copyOf(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(bytes)
}

/** As {@link decodeParquet}, with the file's footer at hand. */
export async function decodeColumns(
  bytes: Uint8Array,
  metadata: FileMetaData,
  columns: readonly string[],
): Promise<ColumnBatch> {
  const rows = Number(metadata.num_rows)
  const { children } = parquetSchema(metadata)
  const nodes = columns.map((name) => nodeOf(children, name))
  const stretches = new Map<string, Stretch[]>(columns.map((name) => [name, []]))
  if (columns.length > 0 && rows > 0) {
    await parquetRead({
      file: {
        byteLength: bytes.length,
        // Not the method of its own: a Buffer's shares memory with whatever else is in its pool.
        slice: (start, end) => copyOf(bytes.subarray(start, end)).buffer,
      },
      metadata: withoutMeaning(metadata),
      columns: [...columns],
      compressors,
      utf8: false,
      onChunk: ({ columnName, columnData, rowStart }) => {
        stretches.get(columnName)?.push({ rowStart, values: columnData })
      },
    })
  }
  return {
    rows,
    columns: new Map(
      columns.map((name, at) => [name, columnFrom(nodes[at]!, stretches.get(name)!, rows)]),
    ),
  }
}

function nodeOf(children: readonly SchemaTree[], name: string): SchemaTree {
  const node = children.find(({ element }) => element.name === name)
  if (node) return node
  throw new PlatformError('lake.unknownColumn', `the file has no column ${name}`)
}

/**
 * Stripped of logical types the reader hands out what is stored, instead of floats and millisecond dates. Groups keep
 * theirs: they say what a list is.
 */
function withoutMeaning(metadata: FileMetaData): FileMetaData {
  return {
    ...metadata,
    schema: metadata.schema.map((element) => {
      const { converted_type: _converted, logical_type: _logical, ...physical } = element
      return element.type === undefined ? element : physical
    }),
  }
}

function columnFrom(node: SchemaTree, stretches: readonly Stretch[], rows: number): Column {
  if (node.element.type !== undefined) return flatColumn(readAs(node.element), stretches, rows)
  const values = new Array<unknown>(rows)
  for (const { rowStart, values: some } of stretches) {
    for (let at = 0; at < some.length; at++) values[rowStart + at] = some[at] ?? null
  }
  return nestedColumn(node, values)
}

/** From rows as the reader put them together: objects by name, arrays. */
function nestedColumn(node: SchemaTree, values: readonly unknown[]): Column {
  if (node.element.type !== undefined) {
    return flatColumn(readAs(node.element), [{ rowStart: 0, values }], values.length)
  }
  const nulls = Uint8Array.from(values, (value) => (value === null || value === undefined ? 1 : 0))
  const withNulls = nulls.includes(1) ? { nulls } : {}
  const element = listElement(node)
  if (element !== undefined) {
    const offsets = new Int32Array(values.length + 1)
    const elements: unknown[] = []
    for (const [row, value] of values.entries()) {
      for (const one of (value ?? []) as readonly unknown[]) elements.push(one)
      offsets[row + 1] = elements.length
    }
    return { kind: 'list', offsets, elements: nestedColumn(element, elements), ...withNulls }
  }
  const fields = node.children.map((child): [string, Column] => {
    const { name } = child.element
    const own = values.map((value) => (value as Record<string, unknown> | null)?.[name] ?? null)
    return [name, nestedColumn(child, own)]
  })
  return { kind: 'struct', rows: values.length, fields: new Map(fields), ...withNulls }
}

/** The element of a list; undefined for a struct. */
function listElement({ element, children }: SchemaTree): SchemaTree | undefined {
  const meaning = element.converted_type ?? element.logical_type?.type
  if (meaning === undefined) return undefined
  const repeated = children[0]
  if (meaning === 'LIST' && repeated?.children.length === 1) return repeated.children[0]
  throw new PlatformError(
    'lake.unsupportedColumn',
    `cannot read column ${element.name} exactly: a group of ${meaning}`,
  )
}

function flatColumn(how: ReadAs, stretches: readonly Stretch[], rows: number): Column {
  const nulls = new Uint8Array(rows)
  const each = (take: (row: number, value: unknown) => void) => {
    for (const { rowStart, values } of stretches) {
      for (let at = 0; at < values.length; at++) {
        const value = values[at]
        if (value === null || value === undefined) nulls[rowStart + at] = 1
        else take(rowStart + at, value)
      }
    }
  }
  const withNulls = <Plain extends Column>(column: Plain): Plain =>
    nulls.includes(1) ? { ...column, nulls } : column
  switch (how.kind) {
    case 'utf8':
      return withNulls(textFrom(each, rows))
    case 'int64': {
      const values = new BigInt64Array(rows)
      const { factor } = how
      each((row, value) => {
        const integer = integerOf(value)
        values[row] = factor === undefined ? integer : integer * factor
      })
      return withNulls({ kind: 'int64', values })
    }
    case 'int32': {
      const values = new Int32Array(rows)
      each((row, value) => {
        values[row] = value as number
      })
      return withNulls({ kind: 'int32', values })
    }
    case 'float64': {
      const values = new Float64Array(rows)
      each((row, value) => {
        values[row] = value as number
      })
      return withNulls({ kind: 'float64', values })
    }
    case 'boolean': {
      const values = new Uint8Array(rows)
      each((row, value) => {
        values[row] = value ? 1 : 0
      })
      return withNulls({ kind: 'boolean', values })
    }
  }
}

function integerOf(value: unknown): bigint {
  if (typeof value === 'bigint') return value
  if (!(value instanceof Uint8Array)) return BigInt(value as number)
  const integer = fromTwosComplement(value)
  if (BigInt.asIntN(64, integer) === integer) return integer
  throw new PlatformError('lake.unsupportedColumn', 'a decimal does not fit into 64 bits')
}

function textFrom(
  each: (take: (row: number, value: unknown) => void) => void,
  rows: number,
): Extract<Column, { kind: 'utf8' }> {
  const offsets = new Int32Array(rows + 1)
  each((row, value) => {
    offsets[row + 1] = (value as Uint8Array).length
  })
  for (let row = 0; row < rows; row++) offsets[row + 1]! += offsets[row]!
  const bytes = new Uint8Array(offsets[rows]!)
  each((row, value) => bytes.set(value as Uint8Array, offsets[row]))
  return { kind: 'utf8', bytes, offsets }
}
