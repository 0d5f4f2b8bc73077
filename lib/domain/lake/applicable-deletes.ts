import { type DeleteFile, FILE_PATH_ID } from './delete-file.ts'
import type { LiveDataFile, LiveDeleteFile } from './snapshot-contents.ts'
import type { TableMetadata } from './table-metadata.ts'

/**
 * Which row deletes apply to which data files (table spec, "Scan Planning"): those by position to files that are as old
 * or older, of the same partition; those by value to files that are older, of the same partition, or of any if their spec
 * has no partitions. What is told to apply may still hit no row.
 */
export class ApplicableDeletes {
  /** By the only data file that they are about, which most are. */
  readonly #byFile: ReadonlyMap<string | undefined, readonly LiveDeleteFile[]>
  readonly #byPartition: ReadonlyMap<string, readonly LiveDeleteFile[]>
  readonly #everywhere: readonly LiveDeleteFile[]

  constructor(
    { 'partition-specs': specs }: Pick<TableMetadata, 'partition-specs'>,
    deletes: readonly LiveDeleteFile[],
  ) {
    const bare = new Set(
      specs.flatMap((spec) => (spec.fields.length === 0 ? [spec['spec-id']] : [])),
    )
    const isGlobal = ({ file }: LiveDeleteFile) => file.kind === 'equality' && bare.has(file.specId)
    this.#everywhere = deletes.filter(isGlobal)
    const others = deletes.filter((one) => !isGlobal(one))
    this.#byFile = Map.groupBy(others, ({ file }) => onlyDataFile(file))
    this.#byPartition = Map.groupBy(this.#byFile.get(undefined) ?? [], ({ file }) =>
      partitionKey(file.specId, file.partition),
    )
  }

  /** The delete files that a reader of the data file has to open. */
  to(data: LiveDataFile): readonly LiveDeleteFile[] {
    const key = partitionKey(data.specId, data.file.partition)
    const isOfPartition = ({ file }: LiveDeleteFile) =>
      partitionKey(file.specId, file.partition) === key
    const ofFile = (this.#byFile.get(data.file.path) ?? []).filter(isOfPartition)
    const ofPartition = this.#byPartition.get(key) ?? []
    return [...ofFile, ...ofPartition, ...this.#everywhere].filter((one) => appliesTo(one, data))
  }

  /** Those of the delete files that none of the data files needs: their paths. */
  static notNeeded(
    metadata: Pick<TableMetadata, 'partition-specs'>,
    {
      data,
      deletes,
    }: {
      readonly data: readonly LiveDataFile[]
      readonly deletes: readonly LiveDeleteFile[]
    },
  ): readonly string[] {
    if (deletes.length === 0) return []
    const index = new ApplicableDeletes(metadata, deletes)
    const needed = new Set(data.flatMap((one) => index.to(one).map(({ file }) => file.path)))
    return deletes.flatMap(({ file }) => (needed.has(file.path) ? [] : [file.path]))
  }
}

/** Files of one partition have one key. */
export function partitionKey(specId: number, partition: LiveDataFile['file']['partition']): string {
  const values = Object.entries(partition).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return JSON.stringify([specId, values])
}

function appliesTo(deletes: LiveDeleteFile, data: LiveDataFile): boolean {
  const { file } = deletes
  if (file.kind === 'equality') return data.sequenceNumber < deletes.sequenceNumber
  return data.sequenceNumber <= deletes.sequenceNumber && mayName(file, data.file.path)
}

/** Undefined if it may be about several, or is about values. */
function onlyDataFile({
  kind,
  dataFile,
  lowerBounds,
  upperBounds,
}: DeleteFile): string | undefined {
  if (kind === 'equality') return undefined
  const [lower, upper] = [lowerBounds[FILE_PATH_ID], upperBounds[FILE_PATH_ID]]
  // Bounds that are cut off differ: the upper one is made greater.
  const isOne = lower !== undefined && lower === upper
  return dataFile ?? (isOne ? Buffer.from(lower, 'base64').toString() : undefined)
}

function mayName(file: LiveDeleteFile['file'], path: string): boolean {
  if (file.dataFile !== undefined) return file.dataFile === path
  const utf8 = Buffer.from(path)
  const lower = file.lowerBounds[FILE_PATH_ID]
  const upper = file.upperBounds[FILE_PATH_ID]
  // A bound may be cut off by other writers; cut off below it is less, and above it is made greater.
  const isBelow = lower !== undefined && Buffer.compare(utf8, Buffer.from(lower, 'base64')) < 0
  const isAbove = upper !== undefined && Buffer.compare(utf8, Buffer.from(upper, 'base64')) > 0
  return !isBelow && !isAbove
}
