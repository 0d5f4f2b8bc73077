import { describe, expect, it } from 'vitest'
import { runStep } from '#lib/domain/backfill/steps.ts'
import type { PlatformError } from '#lib/domain/kernel/errors.ts'
import type { Catalog } from '#lib/domain/lake/catalog.ts'
import { deleteRows } from '#lib/domain/lake/changes/delete-rows.ts'
import { compact } from '#lib/domain/lake/maintenance/compact.ts'
import type { BackfillCell } from '#test/support/backfill-cell.ts'
import {
  amountsView,
  cellOf,
  DAY,
  event,
  FIRST,
  HOUR,
  IDLE,
  SHARD,
} from '#test/support/backfilled-days.ts'

const WANTED = { view: 'amounts', from: FIRST + DAY, to: FIRST + 4 * DAY }
const OTHER = { ...WANTED, from: FIRST + 3 * DAY, to: FIRST + 5 * DAY }
const LIFE_MS = 3_600_000

const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => 'none',
    (error: PlatformError) => error.code,
  )

/** Up to where it could publish. */
async function landed(cell: BackfillCell, wanted: typeof WANTED) {
  const { backfill } = await cell.start(wanted)
  const { chunks } = await cell.step(backfill.id, 'begin')
  for (const chunk of chunks) await cell.chunk(backfill.id, chunk)
  await cell.step(backfill.id, 'land')
  return backfill.id
}

describe('two backfills of one range', () => {
  it('are not under way at once, whoever asks first', async () => {
    const cell = await cellOf()
    await cell.start(WANTED)

    expect(await codeOf(cell.start(OTHER))).toBe('backfill.overlaps')
    expect(await codeOf(cell.start({ ...WANTED, label: 'again' }))).toBe('backfill.overlaps')
    expect(await codeOf(cell.start({ ...OTHER, from: WANTED.to }))).toBe('none')
  })

  it('that came past that are kept apart by the lock, until it expires', async () => {
    const cell = await cellOf()
    // Both are written down before either sees the other.
    const one = await cell.start(WANTED)
    await cell.stop(one.backfill.id)
    await cell.run(one.backfill.id)
    const two = await cell.start(OTHER)
    const stored = (await cell.store.load(one.backfill.id))!
    const { stop: _, ...rest } = stored.document
    await cell.store.save({ ...rest, state: 'requested' }, stored.revision)
    await cell.step(one.backfill.id, 'begin')

    expect(await codeOf(cell.step(two.backfill.id, 'begin'))).toBe('backfill.locked')

    cell.cell.clock.ms += LIFE_MS
    expect(await codeOf(cell.step(two.backfill.id, 'begin'))).toBe('none')
  })

  it('the one whose lock has expired and was taken publishes nothing', async () => {
    const { cell, zombie, heir } = await overtaken()
    const before = await cell.rows({ ages: true })

    expect(await codeOf(cell.step(zombie, 'publish'))).toBe('backfill.lockLost')

    expect(await cell.rows({ ages: true })).toEqual(before)
    expect(await cell.run(heir)).toMatchObject({ state: 'published' })
    expect(await codeOf(cell.step(zombie, 'publish'))).toBe('backfill.lockLost')
  })

  it('nor does it if the heir comes between its last look and its swap', async () => {
    const cell = await cellOf()
    const zombie = await landed(cell, WANTED)
    const before = await cell.rows({ ages: true })
    let heir = ''
    const deps = cell.deps()
    const catalog: Catalog = {
      load: (table) => deps.lake.catalog.load(table),
      create: (table, input) => deps.lake.catalog.create(table, input),
      swap: async (table, input) => {
        if (heir === '') {
          heir = 'on its way'
          await fail(cell, zombie)
          cell.cell.clock.ms += LIFE_MS
          heir = (await cell.start(OTHER)).backfill.id
          await cell.step(heir, 'begin')
        }
        return deps.lake.catalog.swap(table, input)
      },
    }

    const slow = runStep(
      { ...deps, lake: { ...deps.lake, catalog } },
      { backfill: zombie, step: 'publish' },
    )

    expect(await codeOf(slow)).toBe('backfill.lockLost')
    expect(await cell.rows({ ages: true })).toEqual(before)
  })

  async function overtaken() {
    const cell = await cellOf()
    const zombie = await landed(cell, WANTED)
    await fail(cell, zombie)
    cell.cell.clock.ms += LIFE_MS
    const { backfill } = await cell.start(OTHER)
    await cell.step(backfill.id, 'begin')
    return { cell, zombie, heir: backfill.id }
  }

  /** As if its run had been taken for dead, without anybody letting go of anything. */
  async function fail(cell: BackfillCell, id: string) {
    const stored = (await cell.store.load(id))!
    const failure = { code: 'x', message: 'x', atMs: 1 }
    await cell.store.save({ ...stored.document, state: 'failed', failure }, stored.revision)
  }
})

describe('while live data keeps flowing', () => {
  it('rows that change the range are computed anew, and none is lost', async () => {
    const cell = await cellOf()
    const { backfill } = await cell.start(WANTED)
    let isSent = false

    const done = await cell.run(backfill.id, {
      between: async (at) => {
        if (at !== 'publish' || isSent) return
        isSent = true
        await cell.send(SHARD, FIRST + 51 * DAY, [event(FIRST + 50 * DAY, 'a', 100)])
        await cell.cell.commit()
        await cell.live()
      },
    })

    // Beside the range: nothing has to be computed anew.
    expect(done).toMatchObject({ state: 'published', round: { number: 1 } })
    expect((await cell.rows()).some((row) => row.includes(' a '))).toBe(true)
  })

  it('a window of the range that was revised meanwhile holds both what came late and what came later', async () => {
    const cell = await cellOf()
    const { backfill } = await cell.start(WANTED)
    const day = FIRST + 2 * DAY
    let isSent = false

    const done = await cell.run(backfill.id, {
      between: async (at) => {
        if (at !== 'publish' || isSent) return
        isSent = true
        await cell.send(IDLE, FIRST + 7 * DAY, [event(day + 1, 'a', 7_777)])
        await cell.cell.commit()
        await cell.live()
      },
    })

    expect(done).toMatchObject({
      state: 'published',
      round: { number: 2, chunks: [expect.any(String)] },
    })
    const row = (await cell.rows()).find((one) => one.includes(`${day} a `))
    expect(row).toContain('"total":"7877"')
    expect(await cell.rows()).toEqual(await naive(cell))
  })

  it('does not begin before the rows have what the windows have, since that would be lost', async () => {
    const cell = await cellOf()
    await cell.send(IDLE, FIRST + 7 * DAY, [event(FIRST + 2 * DAY + 1, 'a', 7_777)])
    await cell.live()
    const { backfill } = await cell.start(WANTED)

    expect(await codeOf(cell.step(backfill.id, 'begin'))).toBe('backfill.sourceBehind')

    await cell.cell.commit()
    expect(await cell.run(backfill.id)).toMatchObject({ state: 'published' })
    expect(await cell.rows()).toEqual(await naive(cell))
  })

  it('a rollback leaves what live data has changed since, and gives back the rest', async () => {
    const cell = await cellOf()
    const before = await cell.rows({ ages: true })
    const { id } = await cell.published({ ...WANTED })
    const day = FIRST + 2 * DAY
    await cell.send(IDLE, FIRST + 7 * DAY, [event(day + 1, 'a', 7_777)])
    await cell.cell.commit()
    await cell.live()
    const live = (await cell.rows({ ages: true })).find((row) => row.includes(`${day} a `))!

    expect(await cell.rollBack(id)).toMatchObject({
      state: 'rolledBack',
      rollback: { keptRows: 1 },
    })

    const wanted = before.map((row) => (row.includes(`${day} a `) ? live : row))
    expect(await cell.rows({ ages: true })).toEqual(wanted)
  })

  it('a rollback gives back the rows before after the files were put together, too', async () => {
    const cell = await cellOf()
    const before = await cell.rows({ ages: true })
    const { id } = await cell.published(WANTED)
    const { lake } = cell.deps()
    const { name } = await cell.table()
    await compact(lake, name, { targetBytes: 2 ** 25 })

    expect(await cell.rollBack(id)).toMatchObject({ rollback: { keptRows: 0 } })

    expect(await cell.rows({ ages: true })).toEqual(before)
  })

  it('live commits go on after a publication and after its rollback', async () => {
    const cell = await cellOf()
    const { id } = await cell.published(WANTED)
    const more = async (day: number) => {
      const [at, next] = [FIRST + day * DAY, FIRST + (day + 1) * DAY]
      await cell.send(SHARD, next, [event(at, 'new', 5), event(next, 'new', 5)])
      await cell.cell.commit()
      await cell.live()
      return (await cell.rows()).some((row) => row.includes(`${at} new `))
    }

    expect(await more(60)).toBe(true)
    await cell.rollBack(id)
    expect(await more(62)).toBe(true)
  })

  /** What the whole table would be, were the windows of every row in it computed at once. */
  async function naive(cell: BackfillCell): Promise<readonly string[]> {
    const other = await cell.published({ ...WANTED, label: 'naive' })
    expect(other.check).toMatchObject({ rowsAdded: 0, rowsGone: 0 })
    expect(other.check!.rowsSame).toBe(other.check!.rowsAfter)
    return cell.rows()
  }
})

describe('a person', () => {
  it('has to approve what costs more than the threshold, and says who and why', async () => {
    const cell = await cellOf()
    const { backfill } = await cell.start(WANTED, { approveAboveUsd: 0 })
    const { id } = backfill

    expect(await cell.run(id)).toMatchObject({ state: 'waiting', plan: { needsApproval: true } })
    expect(cell.computed).toBe(0)

    await cell.decide(id, 'approved', 'checked with pricing')
    expect(cell.woken).toHaveLength(1)
    expect(await cell.run(id)).toMatchObject({
      state: 'published',
      approval: { decision: 'approved', by: 'bob', reason: 'checked with pricing' },
    })
  })

  it('may refuse, and then it is not run under that name again', async () => {
    const cell = await cellOf()
    const { backfill } = await cell.start(WANTED, { approveAboveUsd: 0 })
    await cell.run(backfill.id)

    await cell.decide(backfill.id, 'refused', 'too dear')
    const done = await cell.run(backfill.id)

    expect(done).toMatchObject({ state: 'refused', approval: { reason: 'too dear' } })
    expect(cell.computed).toBe(0)
    expect(await codeOf(cell.decide(backfill.id, 'approved'))).toBe('backfill.decided')
    expect(await codeOf(cell.start(WANTED))).toBe('backfill.refused')
    expect(await codeOf(cell.start({ ...WANTED, label: 'cheaper' }))).toBe('none')
  })

  it('may decide before the run has gone to sleep: it is woken at once', async () => {
    const cell = await cellOf()
    const { backfill } = await cell.start(WANTED, { approveAboveUsd: 0 })
    await cell.decide(backfill.id, 'approved')
    expect(cell.woken).toEqual([])

    await cell.step(backfill.id, 'wait')

    expect(cell.woken).toHaveLength(1)
  })

  it('may stop it at any time; it goes on where it was, and computes nothing twice', async () => {
    const cell = await cellOf()
    const { backfill } = await cell.start(WANTED)
    const { id } = backfill
    let isStopped = false
    const stopped = await cell.run(id, {
      between: async (at) => {
        if (at === 'land' && !isStopped) await cell.stop(id)
        isStopped ||= at === 'land'
      },
    })
    expect(stopped).toMatchObject({ state: 'stopped', stop: { cause: 'person', reason: 'enough' } })
    const { computed } = cell
    expect(computed).toBeGreaterThan(0)

    const again = await cell.start(WANTED)
    expect(again).toMatchObject({ isNew: true, backfill: { id, attempt: 2 } })
    expect(await cell.run(id)).toMatchObject({ state: 'published' })
    expect(cell.computed).toBe(computed)
  })

  it('may say what it may cost: it stops there, and goes on with more', async () => {
    const cell = await cellOf()
    const { backfill } = await cell.start(WANTED, { budgetUsd: 0.5 })
    await cell.store.spend(backfill.id, { 'lambda.requests': 5_000_000 })

    expect(await cell.run(backfill.id)).toMatchObject({
      state: 'stopped',
      stop: { cause: 'budget', by: 'the budget' },
      spentUsd: 1,
    })
    expect(cell.computed).toBe(0)

    await cell.start(WANTED, { budgetUsd: 2 })
    expect(await cell.run(backfill.id)).toMatchObject({ state: 'published', attempt: 2 })
  })

  it('takes back the later one of two first', async () => {
    const cell = await cellOf()
    const first = await cell.published(WANTED)
    const second = await cell.published({ ...WANTED, label: 'second' })

    expect(await codeOf(cell.rollBack(first.id))).toBe('backfill.superseded')
    await cell.rollBack(second.id)
    expect(await cell.rollBack(first.id)).toMatchObject({ state: 'rolledBack' })
    expect(
      await codeOf(cell.rollBack((await cell.start({ ...WANTED, label: 'x' })).backfill.id)),
    ).toBe('backfill.notPublished')
  })
})

describe('what a check finds wrong', () => {
  it('is not published, unless somebody says that it is as it should be', async () => {
    const cell = await cellOf()
    cell.cell.views = [amountsView({ version: 2 })]
    await cell.live()
    await cell.live()
    const before = await cell.rows({ ages: true })
    // The rows that the windows were made of are gone from the table.
    const deps = cell.deps()
    await deleteRows(
      deps.lake,
      { database: 'weir', name: 'tests' },
      { kind: 'compare', column: 'at', op: '>', value: BigInt(WANTED.from + 2 * HOUR) },
    )

    const failed = await cell.published(WANTED)

    expect(failed).toMatchObject({
      state: 'failed',
      failure: { code: 'backfill.checkFailed' },
      check: { findings: [{ rule: 'rowsGone' }] },
    })
    expect(await cell.rows({ ages: true })).toEqual(before)
    await cell.start(WANTED, { accept: 'these rows were wrong' })
    expect(await cell.run(failed.id)).toMatchObject({
      state: 'published',
      accepted: { reason: 'these rows were wrong' },
    })
  })
})
