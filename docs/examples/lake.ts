import { type Column, type ColumnBatch, utf8Column } from '#lib/domain/kernel/columns.ts'
import { commit } from '#lib/domain/lake/commit.ts'
import { compact } from '#lib/domain/lake/maintenance/compact.ts'
import { readDataFile } from '#lib/domain/lake/read-data-file.ts'
import { createTableIfAbsent, type Lake, requireTable } from '#lib/domain/lake/table.ts'
import { writeDataFiles } from '#lib/domain/lake/write-data-files.ts'

const READINGS = { database: 'meters', name: 'readings' }

/** Appends the readings of one batch to an Iceberg table, once, however often it is called for that batch. */
export async function appendReadings(
  lake: Lake,
  location: string,
  batch: number,
  readings: readonly { readonly meter: string; readonly atMicros: bigint; readonly kwh: number }[],
): Promise<void> {
  await createTableIfAbsent(lake, {
    name: READINGS,
    location,
    schema: {
      fields: [
        { id: 1, name: 'meter', required: true, type: 'string' },
        { id: 2, name: 'at', required: true, type: 'timestamptz' },
        { id: 3, name: 'kwh', required: false, type: 'double' },
      ],
    },
    spec: { fields: [{ sourceId: 2, fieldId: 1000, name: 'at_day', transform: 'day' }] },
  })
  const columns: ColumnBatch = {
    rows: readings.length,
    columns: new Map<string, Column>([
      ['meter', utf8Column(readings.map(({ meter }) => meter))],
      ['at', { kind: 'int64', values: BigInt64Array.from(readings, ({ atMicros }) => atMicros) }],
      ['kwh', { kind: 'float64', values: Float64Array.from(readings, ({ kwh }) => kwh) }],
    ]),
  }
  const { table } = await requireTable(lake, READINGS)
  const files = await writeDataFiles(lake, table, columns)
  // Asked again after each conflict and each lost answer: it says what is still to be done, from what the table says.
  await commit(lake, READINGS, ({ properties }) => {
    if (Number(properties['meters.batch'] ?? 0) >= batch) return undefined
    return {
      files,
      summary: { 'meters.batch': String(batch) },
      setProperties: () => ({ 'meters.batch': String(batch) }),
    }
  })
}

/** The number of rows, after making large files of small ones. */
export async function countAfterCompaction(lake: Lake): Promise<number> {
  await compact(lake, READINGS)
  const { table } = await requireTable(lake, READINGS)
  let rows = 0
  for (const file of await table.liveFiles()) {
    rows += (await readDataFile(lake.objects, file, table.schema)).rows
  }
  return rows
}
