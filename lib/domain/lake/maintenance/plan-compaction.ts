import type { DataFile } from '../data-file.ts'
import { specOfFile } from '../spec-of-file.ts'
import type { TableMetadata } from '../table-metadata.ts'

export interface CompactionSizes {
  /** Bytes that a file should have, and about the most that is rewritten at once. @default 32 MiB */
  readonly targetBytes?: number
  /** Rows that are held in memory at once. @default 1,000,000 */
  readonly mostRows?: number
  /** Fewer small files than this are left, unless together they are of the target's size. @default 5 */
  readonly minFiles?: number
}

const MIB = 2 ** 20
/** A file of this part of the target is good as it is: rewriting it costs more than it saves readers. */
const GOOD_ENOUGH = 0.75

/**
 * Which files are worth becoming one: small ones of one partition, neighbours by their paths, up to the target.
 * Files that are as large as they should be are left alone, and so is whatever would gain little.
 */
export function planCompaction(
  metadata: TableMetadata,
  files: readonly DataFile[],
  { targetBytes = 32 * MIB, mostRows = 1_000_000, minFiles = 5 }: CompactionSizes = {},
): readonly (readonly DataFile[])[] {
  const small = files
    .filter(({ sizeBytes }) => sizeBytes < GOOD_ENOUGH * targetBytes)
    .toSorted((a, b) => (a.path < b.path ? -1 : 1))
  const byPartition = Map.groupBy(small, (file) => partitionOf(metadata, file))
  return [...byPartition.values()].flatMap((neighbours) =>
    binsOf(neighbours, targetBytes, mostRows).filter((bin) => {
      const isLarge = bin.length > 1 && bytesOf(bin) >= GOOD_ENOUGH * targetBytes
      return isLarge || bin.length >= Math.max(2, minFiles)
    }),
  )
}

function partitionOf(metadata: TableMetadata, file: DataFile): string {
  const spec = specOfFile(metadata, file)
  return JSON.stringify([spec['spec-id'], spec.fields.map(({ name }) => file.partition[name])])
}

function binsOf(files: readonly DataFile[], mostBytes: number, mostRows: number): DataFile[][] {
  const bins: DataFile[][] = []
  let [bytes, rows] = [0, 0]
  for (const file of files) {
    const isFull = bytes + file.sizeBytes > mostBytes || rows + file.recordCount > mostRows
    if (bins.length === 0 || isFull) {
      bins.push([])
      ;[bytes, rows] = [0, 0]
    }
    bins.at(-1)!.push(file)
    bytes += file.sizeBytes
    rows += file.recordCount
  }
  return bins
}

function bytesOf(files: readonly DataFile[]): number {
  return files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
}
