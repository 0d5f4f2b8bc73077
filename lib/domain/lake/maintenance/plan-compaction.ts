import { partitionKey } from '../applicable-deletes.ts'
import type { LiveDataFile } from '../snapshot-contents.ts'

export interface CompactionSizes {
  /** Bytes that a file should have, and about the most that is rewritten at once. @default 32 MiB */
  readonly targetBytes?: number
  /** Rows that are held in memory at once. @default 1,000,000 */
  readonly mostRows?: number
  /** Fewer small files than this are left, unless together they are of the target's size. @default 5 */
  readonly minFiles?: number
  /**
   * A file is written anew, whatever its size, once a larger share of its rows than this is deleted; 0 for each that has
   * any. What another engine deletes by value counts as much as all of it, since readers pay most for that. @default 0.1
   */
  readonly mostDeleted?: number
}

/** A live file, and how many of its rows are deleted, as far as that is known without reading it. */
export interface WornFile {
  readonly data: LiveDataFile
  readonly deletedRows: number
}

const MIB = 2 ** 20
/** A file of this part of the target is good as it is: rewriting it costs more than it saves readers. */
const GOOD_ENOUGH = 0.75

/**
 * Which files are worth becoming one: small ones of one partition, neighbours by their paths, up to the target; and those
 * with many deleted rows. Files that are as large as they should be are left alone, and so is whatever would gain little.
 */
export function planCompaction(
  files: readonly WornFile[],
  {
    targetBytes = 32 * MIB,
    mostRows = 1_000_000,
    minFiles = 5,
    mostDeleted = 0.1,
  }: CompactionSizes = {},
): readonly (readonly LiveDataFile[])[] {
  const isWorn = ({ data, deletedRows }: WornFile) =>
    deletedRows > mostDeleted * data.file.recordCount
  const wanted = files
    .filter((one) => isWorn(one) || one.data.file.sizeBytes < GOOD_ENOUGH * targetBytes)
    .toSorted((a, b) => (a.data.file.path < b.data.file.path ? -1 : 1))
  const byPartition = Map.groupBy(wanted, ({ data }) =>
    partitionKey(data.specId, data.file.partition),
  )
  return [...byPartition.values()].flatMap((neighbours) =>
    binsOf(neighbours, targetBytes, mostRows)
      .filter((bin) => {
        const isLarge = bin.length > 1 && bytesOf(bin) >= GOOD_ENOUGH * targetBytes
        return isLarge || bin.length >= Math.max(2, minFiles) || bin.some(isWorn)
      })
      .map((bin) => bin.map(({ data }) => data)),
  )
}

function binsOf(files: readonly WornFile[], mostBytes: number, mostRows: number): WornFile[][] {
  const bins: WornFile[][] = []
  let [bytes, rows] = [0, 0]
  for (const one of files) {
    const { sizeBytes, recordCount } = one.data.file
    const isFull = bytes + sizeBytes > mostBytes || rows + recordCount > mostRows
    if (bins.length === 0 || isFull) {
      bins.push([])
      ;[bytes, rows] = [0, 0]
    }
    bins.at(-1)!.push(one)
    bytes += sizeBytes
    rows += recordCount
  }
  return bins
}

function bytesOf(files: readonly WornFile[]): number {
  return files.reduce((sum, { data }) => sum + data.file.sizeBytes, 0)
}
