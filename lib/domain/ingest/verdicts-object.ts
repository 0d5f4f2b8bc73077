import { zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { PlatformError } from '#lib/domain/kernel/errors.ts'
import type { DataFile } from '#lib/domain/lake/data-file.ts'

/**
 * What the archive decided about a batch and a journal item (400 KB at most) cannot hold: the curated files
 * with the metrics a manifest needs, and the identities admitted. One object per batch, because a PUT costs
 * the same whatever its size.
 */
export interface BatchVerdicts {
  readonly files: readonly CuratedFile[]
  /** 16 bytes per admitted row. */
  readonly identities: Uint8Array
  /** Arrival minute per admitted row. */
  readonly arrivalMinutes: Int32Array
}

/** A curated file and the contract version that its rows were judged by: that names table and columns. */
export interface CuratedFile extends DataFile {
  /** Absent in what was written before there was more than one: then it is the entry's. */
  readonly contractVersion?: string
}

const VERSION = 1

export function encodeVerdicts(verdicts: BatchVerdicts): Uint8Array {
  const minutes = verdicts.arrivalMinutes
  return zstdCompressSync(
    JSON.stringify({
      version: VERSION,
      files: verdicts.files,
      identities: Buffer.from(verdicts.identities).toString('base64'),
      arrivalMinutes: Buffer.from(minutes.buffer, minutes.byteOffset, minutes.byteLength).toString(
        'base64',
      ),
    }),
  )
}

/** Throws `verdicts.unreadable`, naming the object. */
export function decodeVerdicts(uri: string, bytes: Uint8Array): BatchVerdicts {
  try {
    const parsed = JSON.parse(zstdDecompressSync(bytes).toString('utf8'))
    if (parsed.version !== VERSION) throw new Error(`version ${parsed.version}`)
    const minutes = Uint8Array.from(Buffer.from(parsed.arrivalMinutes, 'base64'))
    return {
      files: parsed.files,
      identities: Uint8Array.from(Buffer.from(parsed.identities, 'base64')),
      arrivalMinutes: new Int32Array(minutes.buffer),
    }
  } catch (cause) {
    throw new PlatformError('verdicts.unreadable', `verdicts ${uri} cannot be read`, { cause })
  }
}
