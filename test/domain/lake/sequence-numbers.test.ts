import { expect, it } from 'vitest'
import { utf8Column } from '#lib/domain/kernel/columns.ts'
import { commit } from '#lib/domain/lake/commit.ts'
import type { DeleteFile } from '#lib/domain/lake/delete-file.ts'
import { encodeParquet } from '#lib/domain/lake/parquet/encode.ts'
import type { Lake } from '#lib/domain/lake/table.ts'
import { planScan, readPlanned } from '#lib/domain/lake/table-scan.ts'
import { writePositionDeletes } from '#lib/domain/lake/write-position-deletes.ts'
import { valueAt } from '#test/support/columns.ts'
import { LOCATION, NAME, TRIPS, writeTrips } from './lake-fixture.ts'
import { append, change, tableOf, tripsLake } from './maintenance/maintenance-fixture.ts'

async function idsIn(lake: Lake): Promise<readonly string[]> {
  const table = await tableOf(lake)
  const plan = await planScan(lake.objects, table)
  const ids: string[] = []
  for (const file of plan.files) {
    const { rows, columns } = await readPlanned(plan, file, table.schema)
    for (let row = 0; row < rows; row++) ids.push(String(valueAt(columns.get('trip_id')!, row)))
  }
  return ids.toSorted()
}

/** As Flink writes it: all older rows of this id go, in the partition of the first day. */
async function deleteById(lake: Lake, id: string): Promise<DeleteFile> {
  const schema = { fields: TRIPS.fields.slice(0, 1) }
  const encoded = encodeParquet(schema, {
    rows: 1,
    columns: new Map([['trip_id', utf8Column([id])]]),
  })
  const path = `${LOCATION}/data/by-id-${id}.parquet`
  await lake.objects.putIfAbsent(path, encoded.bytes)
  return {
    ...encoded.metrics,
    path,
    kind: 'equality',
    specId: 0,
    partition: { dropoff_at_day: 17_897 },
    sizeBytes: encoded.bytes.length,
    equalityIds: [10],
  }
}

it('a delete by position takes rows of files that come in the same snapshot', async () => {
  const lake = await tripsLake()
  const files = await writeTrips(lake, 'a', 3)
  const data = { file: files[0]!, specId: 0 }
  const deletes = await writePositionDeletes(lake, await tableOf(lake), [{ data, positions: [1] }])

  await commit(lake, NAME, () => change({ files, deletes }))

  expect(await idsIn(lake)).toEqual(['a-0', 'a-2'])
})

it('a delete by value takes older rows only: what comes in the same snapshot is new', async () => {
  const lake = await tripsLake()
  await append(lake, 'a', 3)
  const again = (await writeTrips(lake, 'a-1', 1)).map((file) => file)
  const deletes = [await deleteById(lake, 'a-1'), await deleteById(lake, 'a-1-0')]

  await commit(lake, NAME, () => change({ files: again, deletes }))
  await append(lake, 'b', 1)

  expect(await idsIn(lake)).toEqual(['a-0', 'a-1-0', 'a-2', 'b-0'])
})

it('a delete of one partition takes no row of another one', async () => {
  const lake = await tripsLake()
  await append(lake, 'a', 30)
  const { data } = await (await tableOf(lake)).contents()
  const deletes = [await deleteById(lake, 'a-25'), await deleteById(lake, 'a-5')]

  await commit(lake, NAME, () => change({ deletes }))

  expect(data).toHaveLength(2)
  expect(await idsIn(lake)).toContain('a-25')
  expect(await idsIn(lake)).not.toContain('a-5')
})
