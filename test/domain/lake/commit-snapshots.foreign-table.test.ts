import { describe, expect, it } from 'vitest'
import { createTableIfAbsent, loadTable } from '#lib/domain/lake/table.ts'
import { waitingShards } from '#lib/domain/ops/waiting-shards.ts'
import { MemoryCell, tripsContract } from '#test/support/memory-cell.ts'
import { record, tripText } from '#test/support/trip-events.ts'
import { BY_DAY, LOCATION, memoryLake, NAME, TRIPS } from './lake-fixture.ts'

describe('a product that was removed and added again', () => {
  /** New stores, and the catalog that still has the old table. */
  async function addedAgain() {
    const removed = new MemoryCell(await tripsContract())
    await removed.archive().take('s', [record(9, tripText({ id: 'old' }))])
    await removed.commit()
    const cell = new MemoryCell(removed.contract)
    const { objects, catalog } = removed
    Object.assign(cell, { objects, catalog, layout: { ...cell.layout, bucket: 'new-bucket' } })
    await cell.archive().take('s', [record(1, tripText({ id: 'new' }))])
    return cell
  }

  it('is told which table stands in its way, and how to take it out of the catalog', async () => {
    const cell = await addedAgain()

    await expect(cell.commit()).rejects.toMatchObject({
      code: 'lake.foreignTable',
      message: expect.stringMatching(
        /trips is another one: it is at s3:\/\/bucket\/table\/trips, not at s3:\/\/new-bucket\/table\/trips.*\(aws glue delete-table --database-name weir --name trips\)/s,
      ),
    })
    expect((await cell.outcome()).curated).toEqual(['old'])
  })

  it('is shown so in its status', async () => {
    const cell = await addedAgain()
    const lake = { ...cell, ids: { snapshotId: () => 0n, uuid: () => '' } }
    const table = await loadTable(lake, { database: 'weir', name: 'trips' })

    expect(await waitingShards(cell, [{ major: 1, name: 'trips', table }])).toEqual([
      { table: 'trips', reason: expect.stringContaining('another one') },
    ])
  })
})

describe('creating a table if it is absent', () => {
  it('takes the one that is there, whatever slash ends its location', async () => {
    const lake = memoryLake()
    const create = { name: NAME, location: LOCATION, schema: TRIPS, spec: BY_DAY }
    const first = await createTableIfAbsent(lake, create)

    const again = await createTableIfAbsent(lake, { ...create, location: `${LOCATION}/` })

    expect(again.metadata['table-uuid']).toBe(first.metadata['table-uuid'])
  })

  it('refuses one at another location', async () => {
    const lake = memoryLake()
    const create = { name: NAME, location: LOCATION, schema: TRIPS, spec: BY_DAY }
    await createTableIfAbsent(lake, create)

    await expect(
      createTableIfAbsent(lake, { ...create, location: 's3://lake/other' }),
    ).rejects.toMatchObject({ code: 'lake.foreignTable' })
  })
})
