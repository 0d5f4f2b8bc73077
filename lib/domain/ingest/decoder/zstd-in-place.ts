import { constants, createZstdDecompress, zstdCompressSync } from 'node:zlib'

/**
 * Inflates zstd records straight into the memory with one decompressor for all of them. Making one per record, as
 * `zstdDecompressSync` does, costs half as much again as the inflating. Node offers it for streams only, so this uses
 * what its streams are made of, and is careful: it takes only frames that state their length, it tries itself out
 * before it is used, and at any doubt it says nothing, and the public function decides.
 */
export interface ZstdInPlace {
  /** Inflates `input` to a place with so much room: the length it has there, or -1 in any doubt. */
  inflate(input: Uint8Array, output: Uint8Array, at: number, room: number): number
}

/** The part of a zlib stream of Node that is used here; it is not documented. */
interface StreamInternals {
  readonly _handle: {
    onerror: () => void
    writeSync(
      flush: number,
      input: Uint8Array,
      inputAt: number,
      inputLength: number,
      output: Uint8Array,
      outputAt: number,
      outputLength: number,
    ): void
    reset(): void
  }
  /** Room left in the output, bytes left of the input. */
  readonly _writeState: Uint32Array
  close(): void
}

/** `undefined` where this Node is made differently. */
export function zstdInPlace(): ZstdInPlace | undefined {
  const inPlace = new Decompressor()
  try {
    return isSound(inPlace) ? inPlace : undefined
  } catch {
    return undefined
  }
}

class Decompressor implements ZstdInPlace {
  #stream: StreamInternals | undefined
  #hasFailed = false

  inflate(input: Uint8Array, output: Uint8Array, at: number, room: number): number {
    const length = statedLength(input)
    // With a byte to spare, so that what is longer than it says is seen to be.
    if (length === undefined || length >= room) return -1
    const stream = this.#open()
    this.#hasFailed = false
    stream._handle.writeSync(constants.ZSTD_e_end, input, 0, input.length, output, at, length + 1)
    const [left, unread] = stream._writeState
    if (this.#hasFailed || left !== 1 || unread !== 0) {
      // After an error a reset does not heal it.
      stream.close()
      this.#stream = undefined
      return -1
    }
    stream._handle.reset()
    return length
  }

  #open(): StreamInternals {
    if (this.#stream === undefined) {
      this.#stream = createZstdDecompress() as unknown as StreamInternals
      this.#stream._handle.onerror = () => {
        this.#hasFailed = true
      }
    }
    return this.#stream
  }
}

/**
 * The content size of a frame of one segment, which needs no more memory than that (RFC 8878, 3.1.1.1); `undefined` for
 * all other frames. It is what the sender says.
 */
export function statedLength(frame: Uint8Array): number | undefined {
  const descriptor = frame[4] ?? 0
  const isSingleSegment = (descriptor & 0x20) !== 0
  const hasDictionary = (descriptor & 3) !== 0
  if (!isSingleSegment || hasDictionary) return undefined
  const sizeFlag = descriptor >> 6
  const width = 1 << sizeFlag
  if (5 + width > frame.length) return undefined
  let length = 0
  for (let i = width - 1; i >= 0; i--) length = length * 256 + frame[5 + i]!
  return sizeFlag === 1 ? length + 256 : length
}

/** Whether it tells good frames from bad ones here, again and again. */
function isSound(inPlace: ZstdInPlace): boolean {
  const text = Buffer.from('every event once, '.repeat(40))
  const frame = zstdCompressSync(text)
  const output = Buffer.alloc(text.length + 16)
  const isRead = () =>
    inPlace.inflate(frame, output, 3, text.length + 1) === text.length &&
    output.subarray(3, 3 + text.length).equals(text)
  const isRefused = (input: Uint8Array) => inPlace.inflate(input, output, 0, output.length) === -1
  const damaged = zstdCompressSync(text, { params: { [constants.ZSTD_c_checksumFlag]: 1 } })
  damaged[damaged.length - 1]! ^= 0xff
  return (
    isRead() &&
    isRefused(frame.subarray(0, -1)) &&
    isRead() &&
    isRefused(Buffer.concat([frame, frame])) &&
    isRefused(Buffer.concat([frame, Buffer.of(0)])) &&
    isRefused(damaged) &&
    isRead()
  )
}
