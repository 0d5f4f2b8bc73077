import { beforeEach, describe, expect, it } from 'vitest'
import type { Contract } from '#lib/domain/contract/contract.ts'
import type { MaintenanceTerms } from '#lib/domain/contract/maintenance-terms.ts'
import { PlatformError } from '#lib/domain/kernel/errors.ts'
import { HOLD_PROPERTY } from '#lib/domain/lake/fences.ts'
import { releaseHold, rollBack } from '#lib/domain/lake/maintenance/roll-back.ts'
import { readDataFile } from '#lib/domain/lake/read-data-file.ts'
import { type Lake, loadTable } from '#lib/domain/lake/table.ts'
import { type MaintenanceRun, maintainTable } from '#lib/domain/ops/maintenance/maintain-table.ts'
import type { MaintenanceRecord } from '#lib/domain/ops/maintenance/maintenance-record.ts'
import { lastRun, recordsOf } from '#lib/domain/ops/maintenance/maintenance-table.ts'
import { countingIds } from '#test/domain/lake/lake-fixture.ts'
import { valueAt } from '#test/support/columns.ts'
import { type Fault, FaultyProcess } from '#test/support/faults.ts'
import { MemoryCell, tripsContract } from '#test/support/memory-cell.ts'
import { record, tripText } from '#test/support/trip-events.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const NAME = { database: 'weir', name: 'trips' }
const NOTES = { database: 'weir', name: 'trips_maintenance' }

let contract: Contract
const asIs = await tripsContract()
let cell: MemoryCell
let sent = 0
let seeds = 0

function newCell(terms: Partial<MaintenanceTerms> = {}): void {
  const { maintenance, ...rest } = asIs
  contract = { ...rest, maintenance: { ...maintenance, ...terms } }
  cell = new MemoryCell(contract)
  sent = 0
}

/** Batches of one event, each archived and committed by itself. */
async function commits(count: number, dropoff = '2019-01-03 09:09:10'): Promise<void> {
  for (let at = 0; at < count; at++) {
    sent++
    await cell.archive().take('s', [record(sent, tripText({ id: `e${sent}`, dropoff }))])
    await cell.commit()
  }
}

function lake(process?: FaultyProcess): Lake {
  const { objects, catalog, clock } = cell
  const ids = countingIds(5000 + seeds++)
  if (!process) return { objects, catalog, clock, ids }
  const lost = () => new PlatformError('lake.commitStateUnknown', 'lost', { retryable: true })
  return {
    objects: process.objects(objects),
    catalog: process.catalog(catalog, lost),
    clock,
    ids,
  }
}

function step(
  run: MaintenanceRun,
  options: { process?: FaultyProcess; shallStop?: () => boolean } = {},
) {
  return maintainTable(
    {
      lake: lake(options.process),
      journal: cell.journal,
      generations: cell.generations,
      slotsOf: cell.slotsOf,
      remover: cell.objects,
      contracts: cell.contracts,
      views: cell.views,
      layout: cell.layout,
      database: 'weir',
      shallStop: options.shallStop ?? (() => false),
    },
    run,
  )
}

const begun = (run: string): MaintenanceRun => ({ run, number: 0, done: false })

/** Calls until it is done, as the machine does. */
async function wholeRun(name: string): Promise<MaintenanceRun> {
  let run = begun(name)
  while (!run.done) run = await step(run)
  return run
}

const tableNow = async (name = NAME) => (await loadTable(lake(), name))!
const records = async () => recordsOf(await tableNow(NOTES)).toReversed()
const curated = async () => (await cell.outcome()).curated

/** The rows of the maintenance table, as an engine reads them. */
async function rows() {
  const table = await tableNow(NOTES)
  const found: string[] = []
  for (const file of await table.liveFiles()) {
    const batch = await readDataFile(cell.objects, file, table.schema)
    for (let row = 0; row < batch.rows; row++) {
      found.push(
        ['run', 'number', 'table_name', 'step', 'outcome']
          .map((name) => valueAt(batch.columns.get(name)!, row))
          .join(' '),
      )
    }
  }
  return found.toSorted()
}

beforeEach(() => newCell())

describe('a run over a product’s tables', () => {
  it('does all the work of each, writes down each step once, and changes no row', async () => {
    await commits(60)
    const before = await curated()

    expect(await wholeRun('first')).toEqual({ run: 'first', number: 8, done: true })

    expect(await curated()).toEqual(before)
    expect((await tableNow()).currentSnapshot!.summary['total-data-files']).toBe('1')
    expect((await records()).map(({ table, step, outcome }) => [table, step, outcome])).toEqual([
      ['trips', 'compact', 'done'],
      ['trips', 'rewrite-manifests', 'nothing'],
      ['trips', 'expire', 'nothing'],
      ['trips', 'orphans', 'nothing'],
      ['trips_maintenance', 'compact', 'nothing'],
      ['trips_maintenance', 'rewrite-manifests', 'done'],
      ['trips_maintenance', 'expire', 'nothing'],
      ['trips_maintenance', 'orphans', 'nothing'],
    ])
    expect((await records())[0]!.counts).toMatchObject({ filesBefore: 60, filesAfter: 1 })
    expect(await rows()).toHaveLength(8)
    expect(lastRun(await tableNow(NOTES))).toHaveLength(8)
  })

  it('removes what an earlier run has found, and its own small files too', async () => {
    await commits(60)
    await wholeRun('first')
    await commits(60)
    cell.clock.ms += 2 * DAY_MS
    await wholeRun('second')
    cell.clock.ms += DAY_MS
    const before = await curated()

    await wholeRun('third')

    const of = async (run: string, step: string) => {
      const isIt = (one: MaintenanceRecord) => one.run === run && one.step === step
      return (await records()).filter(isIt).find(({ table }) => table === 'trips')!.counts
    }
    expect((await of('second', 'orphans')).orphansFound).toBeGreaterThan(60)
    expect((await of('third', 'orphans')).objectsRemoved).toBe(
      (await of('second', 'orphans')).orphansFound,
    )
    expect(await curated()).toEqual(before)
    // Of 24 records, in as many commits.
    expect((await (await tableNow(NOTES)).liveFiles()).length).toBeLessThan(10)
    expect(await rows()).toHaveLength(24)
  })

  it('goes on where time has cut a step short', async () => {
    await commits(5)
    await commits(5, '2019-01-04 09:09:10')
    const before = await curated()
    let asked = 0

    const first = await step(begun('r'), { shallStop: () => asked++ >= 1 })
    const second = await step(first)

    expect(first).toMatchObject({ number: 1, next: { table: 'trips', step: 'compact' } })
    expect(second).toMatchObject({ number: 2, next: { step: 'rewrite-manifests' } })
    expect((await records()).map(({ outcome }) => outcome)).toEqual(['continued', 'done'])
    expect(await curated()).toEqual(before)
  })

  it('sets the retention that the contract states, and leaves the table’s own otherwise', async () => {
    const kept = async () => {
      const { properties, snapshots } = await tableNow()
      return [
        properties['history.expire.min-snapshots-to-keep'],
        properties['history.expire.max-snapshot-age-ms'],
        snapshots.length,
      ]
    }
    await commits(12)
    await wholeRun('first')
    expect(await kept()).toEqual(['50', '300000', 13])

    const { current } = cell.contracts
    newCell({ keepSnapshots: 3, keepSnapshotsHours: 2 })
    expect(cell.contracts.current).not.toEqual(current)
    await commits(12)
    cell.clock.ms += 3 * HOUR_MS
    await wholeRun('first')

    expect(await kept()).toEqual(['3', String(2 * HOUR_MS), 3])
  })

  it('passes over a table that is on hold, says so, and tends the others', async () => {
    await commits(10)
    const [first, ...others] = (await tableNow()).snapshots
    await rollBack(lake(), NAME, first!.snapshotId, { reason: 'a test' })
    cell.clock.ms += 30 * DAY_MS

    await wholeRun('first')

    // A person may still go back to any of them.
    expect((await tableNow()).snapshots).toEqual([first, ...others])
    expect((await records()).filter(({ outcome }) => outcome === 'refused')).toHaveLength(4)

    expect((await records())[0]).toMatchObject({
      outcome: 'refused',
      detail: 'lake.onHold: table weir.trips is on hold: a test',
    })
    expect((await records()).at(-1)).toMatchObject({ table: 'trips_maintenance' })
    expect((await tableNow()).properties[HOLD_PROPERTY]).toBe('a test')
    await releaseHold(lake(), NAME)
    await cell.commit()
    expect(await curated()).toHaveLength(10)
  })

  it('of a product without a table yet has nothing to do', async () => {
    expect(await step(begun('r'))).toEqual({ run: 'r', number: 0, done: true })
    expect(await loadTable(lake(), NOTES)).toBeUndefined()
  })

  it('ends where its table is gone, and does not begin again', async () => {
    await commits(1)

    expect(
      await step({ run: 'r', number: 3, next: { table: 'gone', step: 'expire' }, done: false }),
    ).toEqual({ run: 'r', number: 3, done: true })
    expect(await step({ run: 'r', number: 8, done: true })).toMatchObject({ done: true })
  })

  it('throws what a repeat may mend, and writes nothing down', async () => {
    await commits(6)
    const broken: Lake = {
      ...lake(),
      objects: Object.assign(Object.create(cell.objects), {
        get: async (uri: string) => {
          if (uri.endsWith('.parquet')) throw new Error('a store refuses')
          return cell.objects.get(uri)
        },
      }),
    }
    const deps = {
      lake: broken,
      journal: cell.journal,
      generations: cell.generations,
      slotsOf: cell.slotsOf,
      remover: cell.objects,
      contracts: cell.contracts,
      views: [],
      layout: cell.layout,
      database: 'weir',
      shallStop: () => false,
    }

    await expect(maintainTable(deps, begun('r'))).rejects.toThrow('a store refuses')
    expect(await loadTable(lake(), NOTES)).toBeUndefined()
  })
})

describe('a step that dies, is refused, or whose answer is lost', () => {
  const FAULTS: readonly Fault[] = ['dies before', 'dies after', 'answer lost', 'refused']

  it.each(FAULTS)(
    '(%s at any effect) is repeated to one record and the same rows',
    async (fault) => {
      let effects = 0
      for (let at = 1; ; at++) {
        newCell()
        await commits(6)
        const before = await curated()
        const process = new FaultyProcess(at, fault)
        await step(begun('r'), { process }).catch(() => {})
        if (!process.met) break
        effects++

        const answer = await step(begun('r'))

        expect(answer).toMatchObject({
          number: 1,
          next: { table: 'trips', step: 'rewrite-manifests' },
        })
        expect(await curated()).toEqual(before)
        expect(await rows()).toEqual([expect.stringMatching(/^r 0 trips compact (done|nothing)$/)])
      }
      expect(effects).toBeGreaterThan(5)
    },
  )
})

describe('small files', () => {
  it('are a twentieth at most of one per batch, after a run', async () => {
    await commits(120)
    const before = (await (await tableNow()).liveFiles()).length

    await wholeRun('r')

    const after = (await (await tableNow()).liveFiles()).length
    expect(before).toBe(120)
    expect(after).toBeLessThanOrEqual(before / 20)
  })
})
