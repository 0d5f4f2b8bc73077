import { describe, expect, it } from 'vitest'
import { versionsOf } from '#lib/domain/contract/contract-versions.ts'
import { readFences } from '#lib/domain/lake/fences.ts'
import { rollBack } from '#lib/domain/lake/maintenance/roll-back.ts'
import { fencesAt } from '#lib/domain/lake/snapshot-state.ts'
import { type Lake, loadTable } from '#lib/domain/lake/table.ts'
import { lakeTablesOf } from '#lib/domain/ops/lake-tables.ts'
import { orphanSources } from '#lib/domain/ops/orphan-sources.ts'
import { pastFences } from '#lib/domain/ops/past-fences.ts'
import type { ViewDefinition } from '#lib/domain/process/view.ts'
import { countingIds } from '#test/domain/lake/lake-fixture.ts'
import { customersContract } from '#test/support/customer-changes.ts'
import { MemoryCell, tripsContract } from '#test/support/memory-cell.ts'
import { record, tripText } from '#test/support/trip-events.ts'

const NAME = { database: 'weir', name: 'trips' }

describe('the tables of a product', () => {
  const view = (name: string, window: unknown) =>
    ({ name, key: 'pickup_location_id', window, aggregates: [] }) as unknown as ViewDefinition
  const views = [
    view('zone-fares', { kind: 'tumbling', seconds: 3600 }),
    view('zone-totals', { kind: 'running' }),
  ]

  it('are one per major, one per view whose windows become final, and the record of their upkeep', async () => {
    const contract = { ...(await tripsContract()), allowedLatenessSeconds: 60 }
    const contracts = versionsOf([contract, { ...contract, version: '2.1.0' }])

    expect(
      lakeTablesOf(contracts, views).map(({ name, kind, major }) => [name, kind, major]),
    ).toEqual([
      ['trips', 'curated', 1],
      ['trips_v2', 'curated', 2],
      ['trips_zone_fares', 'feature', 2],
      ['trips_maintenance', 'maintenance', 2],
    ])
  })

  it('are one more of a product of changes, for what its rows are now', () => {
    const contracts = versionsOf([customersContract()])

    expect(lakeTablesOf(contracts, []).map(({ name, kind }) => [name, kind])).toEqual([
      ['customers', 'curated'],
      ['customers_latest', 'latest'],
      ['customers_maintenance', 'maintenance'],
    ])
  })

  it('are none of a view whose windows stay open for ever', async () => {
    const contracts = versionsOf([await tripsContract()])

    expect(lakeTablesOf(contracts, views).map(({ name }) => name)).toEqual([
      'trips',
      'trips_maintenance',
    ])
  })
})

describe('what the journal has past fences', () => {
  it('is what comes into a table that was rolled back, once it is released', async () => {
    const cell = new MemoryCell(await tripsContract())
    const lake: Lake = { ...cell, ids: countingIds(77) }
    for (const n of [1, 2, 3, 4]) {
      for (const shard of ['s', 't']) {
        // A shard's second event is the first one again.
        const ids = [`${shard}${n}`, `${shard}${n}`]
        await cell
          .archive()
          .take(shard, [record(n, `[${ids.map((id) => tripText({ id })).join()}]`)])
      }
      await cell.commit()
    }
    await cell.update()
    const table = (await loadTable(lake, NAME))!
    const second = table.snapshots[1]!

    expect(
      await pastFences(cell.journal, fencesAt(table, second.snapshotId)!, { major: 1 }),
    ).toEqual({
      entries: 4,
      rows: 4,
      shards: 2,
    })
    expect(await pastFences(cell.journal, await readFences(table), { major: 1 })).toEqual({
      entries: 0,
      rows: 0,
      shards: 0,
    })
    await rollBack(lake, NAME, second.snapshotId, { reason: 'a test' })
    const back = await readFences((await loadTable(lake, NAME))!)
    expect(back).toEqual(fencesAt(table, second.snapshotId))
    const { waiting } = orphanSources(cell, { kind: 'curated' })
    expect((await waiting(back)).size).toBe(4)
    expect((await orphanSources(cell, { kind: 'feature' }).waiting(back)).size).toBe(0)
  })

  it('keep what a view has still to read, though the table has it', async () => {
    const cell = new MemoryCell(await tripsContract())
    for (const [i, id] of ['e1', 'e2', 'e3'].entries()) {
      await cell.archive().take('shard', [record(i + 1, tripText({ id }))])
      if (i === 0) await cell.update()
    }
    await cell.commit()
    const lake = {
      objects: cell.objects,
      catalog: cell.catalog,
      clock: cell.clock,
      ids: undefined!,
    }
    const fences = await readFences((await loadTable(lake, NAME))!)
    const waiting = () => orphanSources(cell, { kind: 'curated' }).waiting(fences)

    expect((await waiting()).size).toBe(2)

    await cell.update()
    expect((await waiting()).size).toBe(0)
  })
})
