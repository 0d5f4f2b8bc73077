import { describe, expect, it } from 'vitest'
import { versionsOf } from '#lib/domain/contract/contract-versions.ts'
import { tableNameOf } from '#lib/domain/contract/table-columns.ts'
import { majorOf } from '#lib/domain/contract/version.ts'
import { loadTable } from '#lib/domain/lake/table.ts'
import { committedFences } from '#lib/domain/ops/committed-fences.ts'
import { fencesOf, rowsOf } from '#lib/domain/ops/product-tables.ts'
import { MemoryCell } from '#test/support/memory-cell.ts'
import { record, tripText } from '#test/support/trip-events.ts'
import { tripsVersions } from '#test/support/trips-versions.ts'

const [V1, , V2] = tripsVersions()
const SHARD = 'shardId-000000000000'
const old = (id: string) => tripText({ id }).replace('{', '{"dataschema":"urn:weir:trips:1.0.0",')
const young = (id: string) => tripText({ id }).replace('fare_amount', 'fare')

async function tablesOf(cell: MemoryCell) {
  const lake = { ...cell, ids: { snapshotId: () => 0n, uuid: () => '' } }
  return Promise.all(
    cell.contracts.majors.map(async (contract) => {
      const name = tableNameOf(contract)
      const table = await loadTable(lake, { database: 'weir', name })
      return { major: majorOf(contract.version), name, table }
    }),
  )
}

async function reached(cell: MemoryCell) {
  return committedFences(cell.journal, await fencesOf(await tablesOf(cell)))
}

describe('how far the tables of two majors are together', () => {
  it('is as far as the one that has most to take, and no table is held up by having nothing', async () => {
    const cell = new MemoryCell(V1)
    await cell.archive().take(SHARD, [record(1, tripText({ id: 'a' }))])
    await cell.commit()
    cell.contracts = versionsOf([V1, V2])
    const archive = cell.archive()
    await archive.take(SHARD, [record(2, young('b'))])
    await archive.take(SHARD, [record(3, '{}')])
    const at = async (index: number) =>
      (await cell.journal.entriesAfter(SHARD, 'start', 10))[index]!.last

    // The old table has nothing to take; the new one is not there yet.
    expect(await reached(cell)).toEqual({ [SHARD]: await at(0) })
    await cell.commit()
    expect(await reached(cell)).toEqual({ [SHARD]: await at(2) })
    await archive.take(SHARD, [record(4, old('c'))])
    expect(await reached(cell)).toEqual({ [SHARD]: await at(2) })
    await cell.commit()
    expect(await reached(cell)).toEqual({ [SHARD]: await at(3) })
    expect(rowsOf(await tablesOf(cell))).toBe(3)
  })
})
