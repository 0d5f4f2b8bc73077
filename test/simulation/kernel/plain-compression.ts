import { syncBuiltinESMExports } from 'node:module'
import zlib from 'node:zlib'

const { zstdCompressSync, zstdDecompressSync, deflateRawSync, inflateRawSync } = zlib
const MAGIC = [0x28, 0xb5, 0x2f, 0xfd] as const
/** A frame of one segment whose length stands in four bytes. */
const DESCRIPTOR = 0xa0
const HEADER_BYTES = 9
const MOST_BLOCK_BYTES = 128 * 1024
const MOST_DEFLATE_BYTES = 0xffff

/**
 * Makes zstd and deflate store instead of squeeze, for the whole process: what every reader of theirs reads, made in a
 * microsecond instead of fifty. What is written is as long as it is; nothing else changes.
 */
export function usePlainCompression(isPlain: boolean): void {
  zlib.zstdCompressSync = isPlain ? (stored as typeof zstdCompressSync) : zstdCompressSync
  zlib.zstdDecompressSync = isPlain ? (unstored as typeof zstdDecompressSync) : zstdDecompressSync
  zlib.deflateRawSync = isPlain ? (deflateStored as typeof deflateRawSync) : deflateRawSync
  zlib.inflateRawSync = isPlain ? (inflateStored as typeof inflateRawSync) : inflateRawSync
  syncBuiltinESMExports()
}

function stored(data: string | Uint8Array): Buffer {
  const body = typeof data === 'string' ? Buffer.from(data) : data
  const blocks = Math.max(1, Math.ceil(body.length / MOST_BLOCK_BYTES))
  const frame = Buffer.allocUnsafe(HEADER_BYTES + 3 * blocks + body.length)
  frame.set(MAGIC)
  frame[4] = DESCRIPTOR
  frame.writeUInt32LE(body.length, 5)
  let at = HEADER_BYTES
  for (let block = 0; block < blocks; block++) {
    const part = body.subarray(block * MOST_BLOCK_BYTES, (block + 1) * MOST_BLOCK_BYTES)
    const isLast = block === blocks - 1 ? 1 : 0
    frame.writeUIntLE((part.length << 3) | isLast, at, 3)
    frame.set(part, at + 3)
    at += 3 + part.length
  }
  return frame
}

/** Frames of one stored block; any other is left to the real one. */
function unstored(data: Uint8Array, options?: object): unknown {
  const size = data.length - HEADER_BYTES - 3
  const isOurs =
    options === undefined &&
    size >= 0 &&
    size <= MOST_BLOCK_BYTES &&
    MAGIC.every((byte, at) => data[at] === byte) &&
    data[4] === DESCRIPTOR &&
    (data[9]! | (data[10]! << 8) | (data[11]! << 16)) === ((size << 3) | 1)
  if (!isOurs) return zstdDecompressSync(data, options)
  return Buffer.from(Uint8Array.prototype.slice.call(data, HEADER_BYTES + 3).buffer)
}

/** Blocks that are not compressed, each of a byte that says so, its length and that once more inverted. */
function deflateStored(data: string | Uint8Array): Buffer {
  const body = typeof data === 'string' ? Buffer.from(data) : data
  const blocks = Math.max(1, Math.ceil(body.length / MOST_DEFLATE_BYTES))
  const deflated = Buffer.allocUnsafe(5 * blocks + body.length)
  let at = 0
  for (let block = 0; block < blocks; block++) {
    const part = body.subarray(block * MOST_DEFLATE_BYTES, (block + 1) * MOST_DEFLATE_BYTES)
    deflated[at] = block === blocks - 1 ? 1 : 0
    deflated.writeUInt16LE(part.length, at + 1)
    deflated.writeUInt16LE(part.length ^ 0xffff, at + 3)
    deflated.set(part, at + 5)
    at += 5 + part.length
  }
  return deflated
}

/** One such block; anything else is left to the real one. */
function inflateStored(data: Uint8Array, options?: object): unknown {
  const size = data.length - 5
  const isOurs =
    options === undefined &&
    size >= 0 &&
    data[0] === 1 &&
    (data[1]! | (data[2]! << 8)) === size &&
    (data[3]! | (data[4]! << 8)) === (size ^ 0xffff)
  if (!isOurs) return inflateRawSync(data, options)
  return Buffer.from(Uint8Array.prototype.slice.call(data, 5).buffer)
}
