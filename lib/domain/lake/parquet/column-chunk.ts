import { constants, zstdCompressSync } from 'node:zlib'
import { type ValueRange, valueRange } from './chunk-statistics.ts'
import { CompactStruct } from './compact-protocol.ts'
import { type DenseValues, denseValues, plainSize, writePlain } from './dense-values.ts'
import { type Dictionary, dictionaryOf } from './dictionary.ts'
import { extremesOf } from './extremes.ts'
import type { GrowingBytes } from './growing-bytes.ts'
import { bitWidth, writeHybrid, writeRun } from './hybrid-runs.ts'
import type { Leaf } from './leaves.ts'
import { type Shredded, shred } from './levels.ts'
import { CODEC, ENCODING, PAGE } from './parquet-numbers.ts'

/** A chunk as the file's footer describes it. Offsets are of the file. */
export interface WrittenChunk {
  readonly leaf: Leaf
  readonly kind: DenseValues['kind']
  readonly range: ValueRange
  readonly codec: number
  readonly entries: number
  readonly pages: number
  readonly dictionaryOffset?: number
  readonly dataOffset: number
  readonly compressedBytes: number
  readonly uncompressedBytes: number
}

/** Bytes of values after which a page ends, at the next row. */
const PAGE_BYTES = 1 << 20
/** What Zstandard makes no smaller, or by less than a call to it is worth. */
const LEAST_COMPRESSED_BYTES = 128
const ZSTD_LEVEL = 1

/** What pages are built in, one after the other: for a whole file, so that memory is taken once. */
export type PageBuffer = GrowingBytes

/** Writes a leaf's part of rows `from` to `to`. */
export function writeChunk(
  file: GrowingBytes,
  page: PageBuffer,
  leaf: Leaf,
  from: number,
  to: number,
): WrittenChunk {
  const shredded = shred(leaf.path, from, to)
  const values = denseValues(leaf.column, shredded.positions, leaf.element.type === 'INT32')
  return new Chunk(file, page, leaf, shredded, values).write()
}

/** Entries, and the values among them. */
interface Slice {
  readonly entries: readonly [from: number, to: number]
  readonly values: readonly [from: number, to: number]
}

class Chunk {
  readonly #file: GrowingBytes
  readonly #page: PageBuffer
  readonly #leaf: Leaf
  readonly #shredded: Shredded
  readonly #values: DenseValues
  #codec: number = CODEC.ZSTD
  #uncompressedBytes = 0

  constructor(
    file: GrowingBytes,
    page: PageBuffer,
    leaf: Leaf,
    shredded: Shredded,
    values: DenseValues,
  ) {
    this.#file = file
    this.#page = page
    this.#leaf = leaf
    this.#shredded = shredded
    this.#values = values
  }

  write(): WrittenChunk {
    const values = this.#values
    const { entries } = this.#shredded
    const start = this.#file.length
    // Of texts the different ones are enough to look at, once they are known.
    const numbers = values.kind === 'utf8' ? undefined : extremesOf(values)
    const dictionary = dictionaryOf(values, numbers)
    const compared = numbers === undefined && dictionary ? dictionary.entries : values
    const range = valueRange(compared, numbers ?? extremesOf(compared), entries - values.count)
    this.#codec = this.#codecOf(dictionary)
    if (dictionary !== undefined) this.#writeDictionary(dictionary)
    const dataOffset = this.#file.length
    const slices = this.#slices(dictionary)
    for (const slice of slices) this.#writePage(slice, dictionary)
    return {
      leaf: this.#leaf,
      kind: values.kind,
      range,
      codec: this.#codec,
      entries,
      pages: slices.length,
      ...(dictionary && { dictionaryOffset: start }),
      dataOffset,
      compressedBytes: this.#file.length - start,
      uncompressedBytes: this.#uncompressedBytes,
    }
  }

  #codecOf(dictionary: Dictionary | undefined): number {
    const levels =
      (this.#shredded.definition ?? this.#shredded.repetition) ? this.#shredded.entries / 8 : 0
    const plain = dictionary?.entries ?? this.#values
    const indexes = dictionary ? (this.#values.count * bitWidth(plain.count)) / 8 : 0
    const bytes = levels + indexes + plainSize(plain, 0, plain.count)
    return bytes < LEAST_COMPRESSED_BYTES ? CODEC.UNCOMPRESSED : CODEC.ZSTD
  }

  #writeDictionary({ entries }: Dictionary): void {
    const page = this.#page
    page.length = 0
    writePlain(page, entries, 0, entries.count)
    this.#appendPage(PAGE.DICTIONARY, (header) => {
      header.struct(7, (it) => it.i32(1, entries.count).i32(2, ENCODING.PLAIN))
    })
  }

  #writePage({ entries, values }: Slice, dictionary: Dictionary | undefined): void {
    const page = this.#page
    const { definition, repetition } = this.#shredded
    const { levels } = this.#leaf
    page.length = 0
    if (levels.repetition > 0) writeLevels(page, repetition, entries, levels.repetition)
    if (levels.definition > 0) writeLevels(page, definition, entries, levels.definition)
    if (dictionary === undefined) writePlain(page, this.#values, ...values)
    else {
      const width = bitWidth(dictionary.entries.count)
      page.byte(width)
      writeHybrid(page, dictionary.indexes, ...values, width)
    }
    const encoding = dictionary === undefined ? ENCODING.PLAIN : ENCODING.RLE_DICTIONARY
    this.#appendPage(PAGE.DATA, (header) => {
      header.struct(5, (it) => {
        it.i32(1, entries[1] - entries[0])
          .i32(2, encoding)
          .i32(3, ENCODING.RLE)
          .i32(4, ENCODING.RLE)
      })
    })
  }

  /** The page that was built, behind its header. */
  #appendPage(type: number, describe: (header: CompactStruct) => void): void {
    const raw = this.#page.written()
    const stored = this.#codec === CODEC.ZSTD ? compress(raw) : raw
    const header = new CompactStruct().i32(1, type).i32(2, raw.length).i32(3, stored.length)
    describe(header)
    const headerBytes = header.bytes()
    this.#file.append(headerBytes)
    this.#file.append(stored)
    this.#uncompressedBytes += headerBytes.length + raw.length
  }

  /** Pages of whole rows. */
  #slices(dictionary: Dictionary | undefined): readonly Slice[] {
    const values = this.#values
    const { entries, definition, repetition } = this.#shredded
    const bytes = dictionary === undefined ? plainSize(values, 0, values.count) : 0
    if (bytes <= PAGE_BYTES) return [{ entries: [0, entries], values: [0, values.count] }]
    const slices: Slice[] = []
    const deepest = this.#leaf.levels.definition
    let [firstEntry, firstValue, value, size] = [0, 0, 0, 0]
    for (let entry = 0; entry < entries; entry++) {
      const isRow = repetition === undefined || repetition[entry] === 0
      if (isRow && size >= PAGE_BYTES) {
        slices.push({ entries: [firstEntry, entry], values: [firstValue, value] })
        firstEntry = entry
        firstValue = value
        size = 0
      }
      if (definition !== undefined && definition[entry] !== deepest) continue
      size += values.kind === 'boolean' ? 1 / 8 : plainSize(values, value, value + 1)
      value++
    }
    slices.push({ entries: [firstEntry, entries], values: [firstValue, values.count] })
    return slices
  }
}

/** Levels behind their length. */
function writeLevels(
  page: GrowingBytes,
  levels: Int32Array | undefined,
  [from, to]: readonly [number, number],
  deepest: number,
): void {
  const start = page.length
  page.int32(0)
  const width = bitWidth(deepest + 1)
  if (levels === undefined) writeRun(page, deepest, to - from, width)
  else writeHybrid(page, levels, from, to, width)
  const end = page.length
  page.length = start
  page.int32(end - start - 4)
  page.length = end
}

function compress(bytes: Uint8Array): Uint8Array {
  return zstdCompressSync(bytes, {
    params: { [constants.ZSTD_c_compressionLevel]: ZSTD_LEVEL },
    pledgedSrcSize: bytes.length,
    // All of it at once: so large at most that what does not shrink fits as well.
    chunkSize: bytes.length + (bytes.length >> 8) + 64,
  })
}
