import type { DataFile } from '../data-file.ts'
import { partitionText } from '../partition-value.ts'
import { specOfFile } from '../spec-of-file.ts'
import type { Table } from '../table.ts'
import { isTransform, type Transform, transformedType } from '../transform.ts'

/** A live data file as people look at it. */
export interface ListedFile {
  readonly path: string
  /** As in Iceberg's paths, `pickup_at_day=2019-01-31`; empty without partitions. */
  readonly partition: string
  readonly rows: number
  readonly bytes: number
  /** Least and greatest value of the time column, UTC micros; absent where the file does not say. */
  readonly times?: { readonly min: bigint; readonly max: bigint }
}

export interface ListingOptions {
  /** The column whose bounds are told. */
  readonly timeColumn?: string
  /** Only files of this partition: `name=value` of one field, several with `/` between, or just a value. */
  readonly partition?: string
}

/** The live files, by partition and path. */
export async function listFiles(
  table: Table,
  { timeColumn, partition }: ListingOptions = {},
): Promise<readonly ListedFile[]> {
  const column = table.schema.fields.find(
    ({ name, type }) => name === timeColumn && type === 'timestamptz',
  )
  const files = (await table.liveFiles()).map((file) => ({
    file,
    segments: partitionSegments(table, file),
  }))
  return files
    .filter(({ segments }) => partition === undefined || isIn(segments, partition))
    .map(({ file, segments }): ListedFile => {
      const times = column && timesOf(file, column.id)
      return {
        path: file.path,
        partition: segments.join('/'),
        rows: file.recordCount,
        bytes: file.sizeBytes,
        ...(times && { times }),
      }
    })
    .toSorted((a, b) => compare(a.partition, b.partition) || compare(a.path, b.path))
}

/** A value of a transform or a column that Weir does not know is shown as it is stored. */
function partitionSegments({ metadata, schema }: Table, file: DataFile): readonly string[] {
  return specOfFile(metadata, file).fields.map(({ name, transform, 'source-id': sourceId }) => {
    const value = file.partition[name] ?? null
    const source = schema.fields.find(({ id }) => id === sourceId)?.type
    const type =
      isTransform(transform) && typeof source === 'string'
        ? transformedType(transform, source)
        : undefined
    const text =
      type === undefined ? String(value) : partitionText(transform as Transform, type, value)
    return `${name}=${text}`
  })
}

function isIn(segments: readonly string[], wanted: string): boolean {
  return wanted
    .split('/')
    .every((part) =>
      segments.some((one) => one === part || one.slice(one.indexOf('=') + 1) === part),
    )
}

function timesOf(file: DataFile, id: number): ListedFile['times'] {
  const [lower, upper] = [file.lowerBounds[id], file.upperBounds[id]]
  return lower === undefined || upper === undefined
    ? undefined
    : { min: micros(lower), max: micros(upper) }
}

function micros(base64: string): bigint {
  return Buffer.from(base64, 'base64').readBigInt64LE()
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
