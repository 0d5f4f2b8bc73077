import { MemoryCatalog } from '#lib/adapters/memory/memory-catalog.ts'
import { MemoryObjectStore } from '#lib/adapters/memory/memory-object-store.ts'
import { type Change, commit } from '#lib/domain/lake/commit.ts'
import type { DataFile } from '#lib/domain/lake/data-file.ts'
import { readDataFile } from '#lib/domain/lake/read-data-file.ts'
import { createTableIfAbsent, type Lake, loadTable, type Table } from '#lib/domain/lake/table.ts'
import { valueAt } from '#test/support/columns.ts'
import { BY_DAY, countingIds, LOCATION, NAME, TRIPS, writeTrips } from '../lake-fixture.ts'

export const HOUR_MS = 3_600_000
export const DAY_MS = 24 * HOUR_MS
export const CREATE = { name: NAME, location: LOCATION, schema: TRIPS, spec: BY_DAY }

/** A lake with a table of trips, whose clock a test may set. */
export async function tripsLake(properties: Readonly<Record<string, string>> = {}) {
  const clock = { ms: Date.UTC(2026, 10, 1), nowMs: () => clock.ms++ }
  const objects = new MemoryObjectStore({ clock })
  const lake = { objects, catalog: new MemoryCatalog(), clock, ids: countingIds() }
  await createTableIfAbsent(lake, { ...CREATE, properties })
  return lake
}

export const change = (some: Partial<Change>): Change => ({
  files: [],
  summary: {},
  setProperties: () => ({}),
  ...some,
})

/** Appends so many trips, an hour apart, as one file per day. */
export async function append(lake: Lake, prefix: string, count: number) {
  const files = await writeTrips(lake, prefix, count)
  await commit(lake, NAME, () => change({ files }))
  return files
}

export async function tableOf(lake: Lake): Promise<Table> {
  return (await loadTable(lake, NAME))!
}

export async function liveFiles(lake: Lake): Promise<readonly DataFile[]> {
  return await (await tableOf(lake)).liveFiles()
}

/** Every row of a snapshot's files as text, sorted: equal for equal tables, whatever files they are in. */
export async function rowsOf(lake: Lake, table?: Table): Promise<readonly string[]> {
  const from = table ?? (await tableOf(lake))
  const rows: string[] = []
  for (const file of await from.liveFiles()) {
    const batch = await readDataFile(lake.objects, file, from.schema)
    for (let row = 0; row < batch.rows; row++) {
      rows.push([...batch.columns.values()].map((column) => valueAt(column, row)).join(' '))
    }
  }
  return rows.toSorted()
}

export async function urisIn(lake: Lake, under = LOCATION): Promise<readonly string[]> {
  const found: string[] = []
  for await (const { uri } of lake.objects.list(under)) found.push(uri)
  return found
}
