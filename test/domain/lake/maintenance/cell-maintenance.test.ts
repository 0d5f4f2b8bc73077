import { beforeEach, describe, expect, it } from 'vitest'
import { type Fences, readFences } from '#lib/domain/lake/fences.ts'
import { compact } from '#lib/domain/lake/maintenance/compact.ts'
import { expireSnapshots } from '#lib/domain/lake/maintenance/expire.ts'
import { findOrphans, removeOrphans } from '#lib/domain/lake/maintenance/orphans.ts'
import { rewriteManifests } from '#lib/domain/lake/maintenance/rewrite-manifests.ts'
import { releaseHold, rollBack } from '#lib/domain/lake/maintenance/roll-back.ts'
import { pendingFiles } from '#lib/domain/lake/pending-files.ts'
import { type Lake, loadTable } from '#lib/domain/lake/table.ts'
import { type Fault, FaultyProcess } from '#test/support/faults.ts'
import { MemoryCell, tripsContract } from '#test/support/memory-cell.ts'
import { record, tripText } from '#test/support/trip-events.ts'
import { countingIds } from '../lake-fixture.ts'
import { DAY_MS, HOUR_MS } from './maintenance-fixture.ts'

const NAME = { database: 'weir', name: 'trips' }
const ALL = ['s1', 's2', 's3', 's4', 't1', 't2', 't3', 't4']

let cell: MemoryCell
let seeds = 0

/** What a process of its own has: each begins with other ids. */
function lake(process?: FaultyProcess): Lake {
  const { objects, catalog, clock } = cell
  const ids = countingIds(1000 + seeds++)
  if (!process) return { objects, catalog, clock, ids }
  const lost = () => Object.assign(new Error('lost'), { code: 'lake.commitStateUnknown' })
  return {
    objects: process.objects(objects),
    catalog: process.catalog(catalog, lost as never),
    clock,
    ids,
  }
}

const tableNow = async () => (await loadTable(lake(), NAME))!
const waiting = (fences: Fences) => pendingFiles(cell, fences)
const curated = async () => (await cell.outcome()).curated

async function sweep() {
  const plan = await findOrphans(lake(), NAME, { waiting })
  cell.clock.ms += HOUR_MS
  return await removeOrphans(lake(), NAME, plan, { waiting, remover: cell.objects })
}

/** A batch of each shard, archived and not committed. */
async function archive(n: number): Promise<void> {
  for (const shard of ['s', 't']) {
    await cell.archive().take(shard, [record(n, tripText({ id: `${shard}${n}` }))])
  }
}

async function fourBatches(): Promise<void> {
  cell = new MemoryCell(await tripsContract())
  for (const n of [1, 2, 3, 4]) {
    await archive(n)
    await cell.commit()
  }
}

beforeEach(fourBatches)

describe('a product’s table', () => {
  it('is the same after all of its maintenance, and goes on being committed to', async () => {
    await compact(lake(), NAME, { minFiles: 2 })
    await rewriteManifests(lake(), NAME)
    cell.clock.ms += 2 * DAY_MS
    await expireSnapshots(lake(), NAME, { atLeast: 1, currentWithinMs: 0 })
    const { removed } = await sweep()
    await archive(5)
    await cell.commit()

    const table = await tableNow()
    expect(removed).toBeGreaterThan(8)
    expect(await curated()).toEqual([...ALL, 's5', 't5'].toSorted())
    expect(await table.liveFiles()).toHaveLength(3)
    expect(Object.keys(await readFences(table))).toEqual(['s', 't'])
  })

  it('has every row once after a rollback, although its files were compacted and expired', async () => {
    const [first] = (await tableNow()).snapshots
    await compact(lake(), NAME, { minFiles: 2 })
    cell.clock.ms += 2 * DAY_MS
    await sweep()

    await rollBack(lake(), NAME, first!.snapshotId, { reason: 'a test' })
    await expect(cell.commit()).rejects.toMatchObject({ code: 'lake.onHold' })
    expect(await curated()).toEqual(['s1', 't1'])
    await releaseHold(lake(), NAME)
    await cell.commit()

    expect(await curated()).toEqual(ALL)
  })

  it('waits for batches that nobody has committed for days, and their files with it', async () => {
    for (const n of [5, 6]) await archive(n)
    cell.clock.ms += 5 * DAY_MS
    await expireSnapshots(lake(), NAME, { atLeast: 1, currentWithinMs: 0 })

    await sweep()
    await cell.commit()

    expect(await curated()).toEqual([...ALL, 's5', 's6', 't5', 't6'].toSorted())
  })

  it('keeps its files if one of the journal’s objects cannot be read', async () => {
    await archive(5)
    const [entry] = await cell.journal.entriesAfter('s', (await readFences(await tableNow())).s!, 1)
    await cell.objects.put(entry!.verdictsUri!, Uint8Array.of(1))
    cell.clock.ms += 2 * DAY_MS

    await expect(findOrphans(lake(), NAME, { waiting })).rejects.toThrow(/cannot be read/)
  })
})

describe('a process that dies or is refused in the midst of maintenance', () => {
  const FAULTS: readonly Fault[] = ['dies before', 'dies after', 'answer lost', 'refused']
  const works: readonly (readonly [string, (lake: Lake) => Promise<unknown>])[] = [
    ['compaction', (one) => compact(one, NAME, { minFiles: 2 })],
    ['rewriting manifests', (one) => rewriteManifests(one, NAME)],
    ['expiry', (one) => expireSnapshots(one, NAME, { atLeast: 1, currentWithinMs: 0 })],
  ]
  it.each(works)('changes no row at any effect of %s', async (_, work) => {
    let effects = 0
    for (const fault of FAULTS) {
      for (let at = 1; ; at++) {
        await fourBatches()
        cell.clock.ms += 2 * DAY_MS
        const process = new FaultyProcess(at, fault)
        await work(lake(process)).catch(() => {})
        if (!process.met) break
        effects++
        expect(await curated()).toEqual(ALL)

        await work(lake())
        await archive(5)
        await cell.commit()
        await sweep()
        expect(await curated()).toEqual([...ALL, 's5', 't5'].toSorted())
      }
    }
    // Metadata and swap at least.
    expect(effects).toBeGreaterThanOrEqual(2 * FAULTS.length)
  })
})
