import type { DataFile } from '#lib/domain/lake/data-file.ts'

/** What a chunk knows of one feature, before and after. Sums and extremes of numbers only. */
export interface FeatureCounts {
  readonly nullsBefore: number
  readonly nullsAfter: number
  readonly sumBefore: number | null
  readonly sumAfter: number | null
  readonly leastAfter: number | null
  readonly greatestAfter: number | null
  /** Rows that are there before and after, with another value. */
  readonly rowsDifferent: number
}

/** What a chunk has come to: written once, by whoever is done first. A repeat comes to the same bytes. */
export interface ChunkRecord {
  readonly round: number
  readonly chunk: string
  /** Files that stand in the store. */
  readonly files: readonly DataFile[]
  /** Over the names of the files, which end in the hash of their content. */
  readonly hash: string
  readonly rowsBefore: number
  readonly rowsAfter: number
  readonly rowsSame: number
  readonly rowsAdded: number
  readonly rowsGone: number
  readonly features: Readonly<Record<string, FeatureCounts>>
  /** When the files were put. */
  readonly atMs: number
}
