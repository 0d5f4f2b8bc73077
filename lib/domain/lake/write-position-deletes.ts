import { type Column, utf8Column } from '../kernel/columns.ts'
import { inParallel } from '../kernel/in-parallel.ts'
import { partitionKey } from './applicable-deletes.ts'
import { type DeleteFile, FILE_PATH_ID, POSITION_ID } from './delete-file.ts'
import { writeNew } from './lake-objects.ts'
import { encodeParquet } from './parquet/encode.ts'
import type { TableSchema } from './schema.ts'
import type { LiveDataFile } from './snapshot-contents.ts'
import type { Lake, Table } from './table.ts'

/** Rows of a data file that go, by where they stand in it. */
export interface RowsToDelete {
  readonly data: Pick<LiveDataFile, 'file' | 'specId'>
  /** Ascending, each once. */
  readonly positions: ArrayLike<number>
}

const SCHEMA: TableSchema = {
  fields: [
    { id: FILE_PATH_ID, name: 'file_path', required: true, type: 'string' },
    { id: POSITION_ID, name: 'pos', required: true, type: 'long' },
  ],
}

const WRITES_AT_ONCE = 16

/** Iceberg's own name: `partition` writes one file for all data files of a partition, `file` one for each. */
const GRANULARITY = 'write.delete.granularity'

/**
 * Writes files that delete these rows, and describes them for a commit (table spec, "Position Delete Files"): ordered by
 * data file and position, in the partition of the data files. One per data file, so that a reader of another one need not
 * open it, unless the table's `write.delete.granularity` is `partition`.
 */
export async function writePositionDeletes(
  lake: Pick<Lake, 'objects' | 'ids'>,
  { location, properties }: Pick<Table, 'location' | 'properties'>,
  rows: readonly RowsToDelete[],
): Promise<readonly DeleteFile[]> {
  const isByPartition = properties[GRANULARITY] === 'partition'
  const groups = Map.groupBy(
    rows.filter(({ positions }) => positions.length > 0),
    ({ data }) => (isByPartition ? partitionKey(data.specId, data.file.partition) : data.file.path),
  )
  return await inParallel([...groups.values()], WRITES_AT_ONCE, (group) =>
    writeGroup(lake, location, group),
  )
}

async function writeGroup(
  { objects, ids }: Pick<Lake, 'objects' | 'ids'>,
  location: string,
  group: readonly RowsToDelete[],
): Promise<DeleteFile> {
  const sorted = group.toSorted((a, b) => comparePaths(a.data.file.path, b.data.file.path))
  const paths = sorted.flatMap(({ data, positions }) =>
    Array.from({ length: positions.length }, () => data.file.path),
  )
  const positions = sorted.flatMap((one) => Array.from(one.positions, BigInt))
  const encoded = encodeParquet(SCHEMA, {
    rows: paths.length,
    columns: new Map<string, Column>([
      ['file_path', utf8Column(paths)],
      ['pos', { kind: 'int64', values: BigInt64Array.from(positions) }],
    ]),
  })
  const path = `${location}/data/${ids.uuid()}-deletes.parquet`
  await writeNew(objects, path, encoded.bytes, 'application/vnd.apache.parquet')
  const { specId, file } = sorted[0]!.data
  const { metrics } = encoded
  const whole = (name: string) => ({ [FILE_PATH_ID]: Buffer.from(name).toString('base64') })
  return {
    ...metrics,
    path,
    kind: 'positions',
    specId,
    partition: file.partition,
    sizeBytes: encoded.bytes.length,
    // Never cut off: readers tell by them whether a data file is meant.
    lowerBounds: { ...metrics.lowerBounds, ...whole(paths[0]!) },
    upperBounds: { ...metrics.upperBounds, ...whole(paths.at(-1)!) },
    ...(sorted.length === 1 && { dataFile: file.path }),
  }
}

/** As their UTF-8, which is how engines compare them. */
function comparePaths(left: string, right: string): number {
  return Buffer.compare(Buffer.from(left), Buffer.from(right))
}
