/** How rows of a file go: the file is written anew without them, or a file beside it says which ones. */
export type DeleteMode = 'copy-on-write' | 'merge-on-read'

/** Iceberg's own name, which other engines go by too. */
const MODE = 'write.delete.mode'

/** Rewriting a file of up to so many bytes costs less than one more object costs whoever reads it. */
const SMALL_BYTES = 1 << 20
/** Beyond this share of deleted rows readers unpack too much that they throw away. */
const MUCH = 0.3

export interface FileHit {
  readonly recordCount: number
  readonly sizeBytes: number
  /** Rows that were deleted before, and those that go now. */
  readonly deletedRows: number
}

/** What is cheaper for a file, unless the table's `write.delete.mode` says it for all. */
export function deleteMode(
  properties: Readonly<Record<string, string>>,
  { recordCount, sizeBytes, deletedRows }: FileHit,
): DeleteMode {
  const stated = properties[MODE]
  if (stated === 'copy-on-write' || stated === 'merge-on-read') return stated
  const isRewrite = sizeBytes <= SMALL_BYTES || deletedRows >= MUCH * recordCount
  return isRewrite ? 'copy-on-write' : 'merge-on-read'
}
