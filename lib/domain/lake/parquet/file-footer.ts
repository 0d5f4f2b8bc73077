import type { LogicalType, SchemaElement } from 'hyparquet'
import { lowerBound, upperBound } from './chunk-statistics.ts'
import type { WrittenChunk } from './column-chunk.ts'
import { CompactStruct } from './compact-protocol.ts'
import { CONVERTED, ENCODING, PAGE, REPETITION, TYPE } from './parquet-numbers.ts'

/** Named so that Java readers can parse it; what they cannot parse they trust no statistics of. */
const CREATED_BY = 'weir version 1'
const FORMAT_VERSION = 2

/** Rows that stand together in a file: a chunk for each leaf. */
export interface RowGroup {
  readonly rows: number
  readonly chunks: readonly WrittenChunk[]
}

/** The file's description of itself, which stands at its end. */
export function fileFooter(
  elements: readonly SchemaElement[],
  rows: number,
  groups: readonly RowGroup[],
): Uint8Array {
  const leaves = elements.filter(({ type }) => type !== undefined)
  return (
    new CompactStruct()
      .i32(1, FORMAT_VERSION)
      .structs(2, elements, writeElement)
      .i64(3, rows)
      .structs(4, groups, writeGroup)
      .binary(6, CREATED_BY)
      // How values are ordered; without it nobody may use statistics.
      .structs(7, leaves, (order) => order.struct(1, () => {}))
      .bytes()
  )
}

/** Where a row group starts. */
export function offsetOf({ chunks: [first] }: RowGroup): number {
  return first!.dictionaryOffset ?? first!.dataOffset
}

function writeElement(struct: CompactStruct, element: SchemaElement): void {
  const { type, repetition_type: repetition, converted_type: converted } = element
  const { logical_type: logical } = element
  struct
    .i32(1, type && TYPE[type])
    .i32(3, repetition && REPETITION[repetition])
    .binary(4, element.name)
    .i32(5, element.num_children)
    .i32(6, converted && CONVERTED[converted])
    .i32(7, element.scale)
    .i32(8, element.precision)
    .i32(9, element.field_id)
    .struct(10, logical && ((it) => writeLogicalType(it, logical)))
}

function writeLogicalType(union: CompactStruct, logical: LogicalType): void {
  const none = () => {}
  switch (logical.type) {
    case 'STRING':
      union.struct(1, none)
      break
    case 'LIST':
      union.struct(3, none)
      break
    case 'DECIMAL':
      union.struct(5, (it) => it.i32(1, logical.scale).i32(2, logical.precision))
      break
    case 'DATE':
      union.struct(6, none)
      break
    case 'TIMESTAMP':
      // Always microseconds.
      union.struct(8, (it) => {
        it.boolean(1, logical.isAdjustedToUTC).struct(2, (unit) => unit.struct(2, none))
      })
      break
    default:
      throw new RangeError(`no column is written as ${logical.type}`)
  }
}

function writeGroup(struct: CompactStruct, group: RowGroup): void {
  const sum = (of: (chunk: WrittenChunk) => number) =>
    group.chunks.reduce((total, chunk) => total + of(chunk), 0)
  struct
    .structs(1, group.chunks, writeChunk)
    .i64(
      2,
      sum((chunk) => chunk.uncompressedBytes),
    )
    .i64(3, group.rows)
    .i64(5, offsetOf(group))
    .i64(
      6,
      sum((chunk) => chunk.compressedBytes),
    )
}

function writeChunk(struct: CompactStruct, chunk: WrittenChunk): void {
  const { leaf, dictionaryOffset, dataOffset } = chunk
  const data = dictionaryOffset === undefined ? ENCODING.PLAIN : ENCODING.RLE_DICTIONARY
  const pages = [{ type: PAGE.DATA, encoding: data, count: chunk.pages }]
  const dictionary = { type: PAGE.DICTIONARY, encoding: ENCODING.PLAIN, count: 1 }
  const encodings = new Set([ENCODING.PLAIN, ENCODING.RLE, data])
  struct.i64(2, dictionaryOffset ?? dataOffset).struct(3, (it) => {
    it.i32(1, TYPE[leaf.element.type!])
      .i32s(2, [...encodings])
      .binaries(3, leaf.names)
      .i32(4, chunk.codec)
      .i64(5, chunk.entries)
      .i64(6, chunk.uncompressedBytes)
      .i64(7, chunk.compressedBytes)
      .i64(9, dataOffset)
      .i64(11, dictionaryOffset)
      .struct(12, (statistics) => writeStatistics(statistics, chunk))
      .structs(
        13,
        dictionaryOffset === undefined ? pages : [dictionary, ...pages],
        (stats, { type, encoding, count }) => stats.i32(1, type).i32(2, encoding).i32(3, count),
      )
  })
}

function writeStatistics(struct: CompactStruct, { kind, range }: WrittenChunk): void {
  const { nulls, min, max } = range
  const lower = min === undefined ? undefined : lowerBound(kind, min)
  const upper = max === undefined ? undefined : upperBound(kind, max)
  struct
    .i64(3, nulls)
    .binary(5, upper?.bytes)
    .binary(6, lower?.bytes)
    .boolean(7, upper?.isExact)
    .boolean(8, lower?.isExact)
}
