import type { ColumnChunk, Encoding, OffsetIndex, SchemaElement } from 'hyparquet'
import { ByteWriter, type ParquetWriter } from 'hyparquet-writer'
import { writePageHeader } from 'hyparquet-writer/src/datapage.js'
import { writeRleBitPackedHybrid } from 'hyparquet-writer/src/encoding.js'
import type { FlatColumn } from '../../kernel/columns.ts'
import { chunkStatistics } from './chunk-statistics.ts'
import { bitWidth, type Dictionary, dictionaryOf } from './dictionary.ts'
import type { Extremes } from './metrics.ts'
import { type PlainValues, plainBytes, plainValues, sizeAt } from './plain-values.ts'

/** A chunk as the file's footer describes it. */
export interface WrittenChunk {
  readonly chunk: ColumnChunk
  /** Of more than one page. */
  readonly offsetIndex?: OffsetIndex
}

type Writer = ParquetWriter['writer']
export type Compress = (bytes: Uint8Array) => Uint8Array

/** Bytes of values after which a page ends. */
const PAGE_BYTES = 1 << 20
const INDEX_BYTES = 4

/**
 * Writes a column that is not nested as one chunk, byte for byte as hyparquet-writer would, from its typed arrays: that
 * would be given an object for every value.
 */
export function writeFlatChunk(
  writer: Writer,
  element: SchemaElement,
  column: FlatColumn,
  rows: number,
  extremes: Extremes,
  compress: Compress,
): WrittenChunk {
  return new FlatChunk(writer, element, column, rows, compress).write(extremes)
}

class FlatChunk {
  readonly #writer: Writer
  readonly #element: SchemaElement
  readonly #column: FlatColumn
  readonly #rows: number
  readonly #compress: Compress
  readonly #values: PlainValues
  readonly #dictionary: Dictionary | undefined
  #uncompressedBytes = 0

  constructor(
    writer: Writer,
    element: SchemaElement,
    column: FlatColumn,
    rows: number,
    compress: Compress,
  ) {
    this.#writer = writer
    this.#element = element
    this.#column = column
    this.#rows = rows
    this.#compress = compress
    this.#values = plainValues(element, column, rows)
    this.#dictionary = dictionaryOf(this.#values, column.nulls, rows)
  }

  write(extremes: Extremes): WrittenChunk {
    const start = this.#writer.offset
    if (this.#dictionary !== undefined) this.#writeDictionary(this.#dictionary)
    const dataStart = this.#writer.offset
    const pages = this.#pages()
    const locations = pages.map(({ first, end }) => {
      const offset = this.#writer.offset
      this.#writePage(first, end)
      const size = this.#writer.offset - offset
      return {
        offset: BigInt(offset),
        compressed_page_size: size,
        first_row_index: BigInt(first),
      }
    })
    const encoding: Encoding = this.#dictionary === undefined ? 'PLAIN' : 'RLE_DICTIONARY'
    const chunk: ColumnChunk = {
      meta_data: {
        type: this.#element.type!,
        encodings: this.#dictionary === undefined ? ['PLAIN'] : ['PLAIN', encoding],
        path_in_schema: [this.#element.name],
        codec: 'ZSTD',
        num_values: BigInt(this.#rows),
        total_compressed_size: BigInt(this.#writer.offset - start),
        total_uncompressed_size: BigInt(this.#uncompressedBytes),
        data_page_offset: BigInt(dataStart),
        ...(this.#dictionary === undefined ? {} : { dictionary_page_offset: BigInt(start) }),
        statistics: chunkStatistics(this.#column, extremes),
        encoding_stats: [
          ...(this.#dictionary === undefined
            ? []
            : [{ page_type: 'DICTIONARY_PAGE', encoding: 'PLAIN', count: 1 } as const]),
          { page_type: 'DATA_PAGE_V2', encoding, count: pages.length },
        ],
      },
      file_offset: BigInt(start),
    }
    return pages.length > 1 ? { chunk, offsetIndex: { page_locations: locations } } : { chunk }
  }

  #writeDictionary({ firstRows }: Dictionary): void {
    const bytes = plainBytes(this.#values, firstRows)
    const compressed = this.#compress(bytes)
    const start = this.#writer.offset
    writePageHeader(this.#writer, {
      type: 'DICTIONARY_PAGE',
      uncompressed_page_size: bytes.length,
      compressed_page_size: compressed.length,
      dictionary_page_header: { num_values: firstRows.length, encoding: 'PLAIN' },
    })
    this.#uncompressedBytes += this.#writer.offset - start + bytes.length
    this.#writer.appendBytes(compressed)
  }

  /** Rows in runs of about {@link PAGE_BYTES} of values. */
  #pages(): { readonly first: number; readonly end: number }[] {
    const { nulls } = this.#column
    const hasIndexes = this.#dictionary !== undefined
    const pages: { first: number; end: number }[] = []
    let first = 0
    let bytes = 0
    for (let row = 0; row < this.#rows; row++) {
      const isNull = nulls !== undefined && nulls[row] === 1
      const size = isNull ? 0 : hasIndexes ? INDEX_BYTES : sizeAt(this.#values, row)
      bytes += size
      if (bytes >= PAGE_BYTES && row > first) {
        pages.push({ first, end: row })
        first = row
        bytes = size
      }
    }
    pages.push({ first, end: this.#rows })
    return pages
  }

  #writePage(first: number, end: number): void {
    const present = this.#presentRows(first, end)
    const levels = new ByteWriter()
    if (this.#element.repetition_type === 'OPTIONAL') {
      writeRleBitPackedHybrid(levels, this.#levels(first, end) as unknown as number[], 1)
    }
    const bytes = this.#pageBytes(present)
    const compressed = this.#compress(bytes)
    const start = this.#writer.offset
    writePageHeader(this.#writer, {
      type: 'DATA_PAGE_V2',
      uncompressed_page_size: levels.offset + bytes.length,
      compressed_page_size: levels.offset + compressed.length,
      data_page_header_v2: {
        num_values: end - first,
        num_nulls: end - first - present.length,
        num_rows: end - first,
        encoding: this.#dictionary === undefined ? 'PLAIN' : 'RLE_DICTIONARY',
        definition_levels_byte_length: levels.offset,
        repetition_levels_byte_length: 0,
        is_compressed: true,
      },
    })
    this.#uncompressedBytes += this.#writer.offset - start + levels.offset + bytes.length
    this.#writer.appendBytes(levels.getBytes())
    this.#writer.appendBytes(compressed)
  }

  #pageBytes(present: Int32Array): Uint8Array {
    if (this.#dictionary === undefined) return plainBytes(this.#values, present)
    const { indexes } = this.#dictionary
    const taken = new Int32Array(present.length)
    let most = 0
    for (let i = 0; i < present.length; i++) {
      taken[i] = indexes[present[i]!]!
      if (taken[i]! > most) most = taken[i]!
    }
    const page = new ByteWriter()
    const width = bitWidth(most + 1)
    page.appendUint8(width)
    writeRleBitPackedHybrid(page, taken, width)
    return page.getBytes()
  }

  #presentRows(first: number, end: number): Int32Array {
    const { nulls } = this.#column
    const present = new Int32Array(end - first)
    let count = 0
    for (let row = first; row < end; row++) {
      if (nulls === undefined || nulls[row] !== 1) present[count++] = row
    }
    return present.subarray(0, count)
  }

  /** 1 where a row has a value. */
  #levels(first: number, end: number): Uint8Array {
    const { nulls } = this.#column
    const levels = new Uint8Array(end - first).fill(1)
    for (let row = first; nulls !== undefined && row < end; row++)
      levels[row - first]! ^= nulls[row]!
    return levels
  }
}
