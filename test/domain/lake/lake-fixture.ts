import { MemoryCatalog } from '#lib/adapters/memory/memory-catalog.ts'
import { MemoryObjectStore } from '#lib/adapters/memory/memory-object-store.ts'
import type { Clock, IdSource } from '#lib/domain/kernel/clock.ts'
import { type Column, type ColumnBatch, takeRows, utf8Column } from '#lib/domain/kernel/columns.ts'
import type { Catalog } from '#lib/domain/lake/catalog.ts'
import { type DataFile, dataFile } from '#lib/domain/lake/data-file.ts'
import { encodeParquet } from '#lib/domain/lake/parquet/encode.ts'
import { partitionRows } from '#lib/domain/lake/partition.ts'
import type { PartitionSpec, TableSchema } from '#lib/domain/lake/schema.ts'
import type { Lake } from '#lib/domain/lake/table.ts'

export const NAME = { database: 'cell', name: 'trips' }
export const LOCATION = 's3://lake/trips'

export const TRIPS: TableSchema = {
  fields: [
    { id: 10, name: 'trip_id', required: true, type: 'string' },
    { id: 11, name: 'dropoff_at', required: true, type: 'timestamptz' },
    { id: 12, name: 'fare', required: false, type: 'decimal(9, 2)' },
  ],
}

export const BY_DAY: PartitionSpec = {
  fields: [{ sourceId: 11, fieldId: 1000, name: 'dropoff_at_day', transform: 'day' }],
}

/** A clock that moves on by a millisecond each time it is asked. */
export function tickingClock(startMs = Date.UTC(2026, 10, 1)): Clock {
  let now = startMs
  return { nowMs: () => now++ }
}

/** Ids in order, different for each seed. */
export function countingIds(seed = 1): IdSource {
  let next = 0
  return {
    // Beyond 2^53, as most real ones are.
    snapshotId: () => 2n ** 62n + BigInt(seed) * 1_000_000n + BigInt(next++),
    uuid: () =>
      `${String(seed).padStart(8, '0')}-0000-4000-8000-${String(next++).padStart(12, '0')}`,
  }
}

export function memoryLake(catalog: Catalog = new MemoryCatalog()): Lake & {
  readonly objects: MemoryObjectStore
} {
  const clock = tickingClock()
  return { objects: new MemoryObjectStore({ clock }), catalog, clock, ids: countingIds() }
}

const MICROS_PER_HOUR = 3_600_000_000n
const FIRST_DROPOFF = 1_546_300_800_000_000n // 2019-01-01

/** Trips with one drop-off an hour from 2019-01-01 on; each seventh fare is unknown. */
export function trips(prefix: string, count: number): ColumnBatch {
  const rows = Array.from({ length: count }, (_, row) => row)
  return {
    rows: count,
    columns: new Map<string, Column>([
      ['trip_id', utf8Column(rows.map((row) => `${prefix}-${row}`))],
      [
        'dropoff_at',
        {
          kind: 'int64',
          values: BigInt64Array.from(rows, (row) => FIRST_DROPOFF + BigInt(row) * MICROS_PER_HOUR),
        },
      ],
      [
        'fare',
        {
          kind: 'int64',
          values: BigInt64Array.from(rows, (row) => BigInt(row * 125)),
          nulls: Uint8Array.from(rows, (row) => (row % 7 === 6 ? 1 : 0)),
        },
      ],
    ]),
  }
}

/** Writes a batch as data files, one per day, and describes them; the objects exist before any commit. */
export async function writeTrips(
  { objects }: Pick<Lake, 'objects'>,
  prefix: string,
  count: number,
): Promise<readonly DataFile[]> {
  const batch = trips(prefix, count)
  const files: DataFile[] = []
  for (const { partition, path, rows } of partitionRows(TRIPS, BY_DAY, batch)) {
    const encoded = encodeParquet(TRIPS, takeRows(batch, rows))
    const uri = `${LOCATION}/data/${path}/${prefix}.parquet`
    await objects.putIfAbsent(uri, encoded.bytes)
    files.push(dataFile(uri, partition, encoded))
  }
  return files
}

/** The lake as somebody sees it to whom `meanwhile` happens right before the first swap. */
export function interrupted<Own extends Lake>(lake: Own, meanwhile: () => Promise<unknown>): Own {
  let isDone = false
  const { catalog } = lake
  return {
    ...lake,
    catalog: {
      load: (name) => catalog.load(name),
      create: (name, input) => catalog.create(name, input),
      swap: async (name, input) => {
        if (!isDone) {
          isDone = true
          await meanwhile()
        }
        return await catalog.swap(name, input)
      },
    },
  }
}
