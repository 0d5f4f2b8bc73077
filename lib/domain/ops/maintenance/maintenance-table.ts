import type { TableName } from '#lib/domain/lake/catalog.ts'
import { commit } from '#lib/domain/lake/commit.ts'
import type { DataFile } from '#lib/domain/lake/data-file.ts'
import type { SwapOptions } from '#lib/domain/lake/swap-metadata.ts'
import { createTableIfAbsent, type Lake, type Table } from '#lib/domain/lake/table.ts'
import { writeDataFiles } from '#lib/domain/lake/write-data-files.ts'
import { encodeRecord, MAINTENANCE_SCHEMA, type MaintenanceRecord } from './maintenance-record.ts'

/** In the summary of the snapshot that wrote a record: the record itself, so that nobody has to open a file for it. */
const RECORD = 'weir.maintenance'

/**
 * Writes a record as a row of the maintenance table, which is made if it is not there. A record that a retained snapshot
 * tells of is there already: a repeated step, whose answer was lost, writes none.
 */
export async function writeRecord(
  lake: Lake,
  place: { readonly name: TableName; readonly location: string },
  record: MaintenanceRecord,
  swap: SwapOptions = {},
): Promise<void> {
  await createTableIfAbsent(lake, { ...place, schema: MAINTENANCE_SCHEMA, spec: { fields: [] } })
  let files: readonly DataFile[] | undefined
  await commit(
    lake,
    place.name,
    async (table) => {
      if (recordsOf(table).some((one) => isSame(one, record))) return undefined
      files ??= await writeDataFiles(lake, table, encodeRecord(record))
      return { files, summary: { [RECORD]: JSON.stringify(record) }, setProperties: () => ({}) }
    },
    swap,
  )
}

/** The records that retained snapshots tell of, newest first: those of the last few runs. */
export function recordsOf(table: Table): readonly MaintenanceRecord[] {
  return table.snapshots
    .flatMap(({ summary }) => {
      const text = summary[RECORD]
      return text === undefined ? [] : [JSON.parse(text) as MaintenanceRecord]
    })
    .toReversed()
}

/** The records of the run that wrote last, in its order. */
export function lastRun(table: Table): readonly MaintenanceRecord[] {
  const records = recordsOf(table)
  return records.filter(({ run }) => run === records[0]?.run).toReversed()
}

function isSame(a: MaintenanceRecord, b: MaintenanceRecord): boolean {
  return a.run === b.run && a.number === b.number
}
