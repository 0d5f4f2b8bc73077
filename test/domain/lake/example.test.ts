import { expect, it } from 'vitest'
import { loadTable } from '#lib/domain/lake/table.ts'
import { appendReadings, countAfterCompaction } from '../../../docs/examples/lake.ts'
import { FaultyCatalog } from './faulty-catalog.ts'
import { memoryLake } from './lake-fixture.ts'

const reading = (meter: string, hour: number) => ({
  meter,
  atMicros: BigInt(hour) * 3_600_000_000n,
  kwh: hour / 4,
})

it('the example of the lake appends each batch once, and counts what is there', async () => {
  const lake = memoryLake()
  const location = 's3://lake/readings'
  const unsure = { ...lake, catalog: new FaultyCatalog(lake.catalog, ['applied', 'answer lost']) }
  await appendReadings(unsure, location, 1, [reading('a', 1), reading('b', 30)])
  for (let batch = 2; batch <= 6; batch++) {
    await appendReadings(lake, location, batch, [reading('a', 2 + batch)])
    await appendReadings(lake, location, batch, [reading('a', 2 + batch)])
  }

  expect(await countAfterCompaction(lake)).toBe(7)

  const table = (await loadTable(lake, { database: 'meters', name: 'readings' }))!
  expect(await table.liveFiles()).toHaveLength(2)
  expect(table.properties['meters.batch']).toBe('6')
})
