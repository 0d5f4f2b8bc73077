import { describe, expect, it } from 'vitest'
import { fieldsOf, ge } from '#lib/domain/features/define/expressions.ts'
import { amountsView, cellOf, DAY, FIRST, HOUR } from '#test/support/backfilled-days.ts'
import { type Fault, FaultyProcess } from '#test/support/faults.ts'

const WANTED = { view: 'amounts', from: FIRST + DAY, to: FIRST + 4 * DAY }

const inRange = (rows: readonly string[]) =>
  rows.filter(
    (row) => Number(row.slice(0, 17)) >= WANTED.from && Number(row.slice(0, 17)) < WANTED.to,
  )
const without = (rows: readonly string[]) => rows.filter((row) => !inRange(rows).includes(row))

describe('a backfill', () => {
  it('puts windows of all rows in the place of those of the stream, in its range and nowhere else', async () => {
    const cell = await cellOf()
    const before = await cell.rows({ ages: true })

    const backfill = await cell.published(WANTED)

    const after = await cell.rows({ ages: true })
    expect(backfill).toMatchObject({
      state: 'published',
      check: {
        rowsBefore: 48,
        rowsAfter: 51,
        rowsSame: 48,
        rowsAdded: 3,
        rowsGone: 0,
        findings: [],
      },
    })
    expect(backfill.check!.features.total).toMatchObject({ sumBefore: 84, sumAfter: 113.97 })
    expect(without(after)).toEqual(without(before))
    // What is the same stays as it is, revision and age included.
    expect(inRange(after).filter((row) => !row.includes(' late '))).toEqual(inRange(before))
    expect(inRange(after).filter((row) => row.includes(' late '))).toHaveLength(3)
  })

  it('tells whom it concerns before and after, and holds nothing when it is over', async () => {
    const cell = await cellOf()

    const { id } = await cell.published(WANTED)

    expect(cell.told.map(({ phase, owners, rowsAfter }) => [phase, owners, rowsAfter])).toEqual([
      ['begins', ['pricing', cell.cell.contract.owner], null],
      ['published', ['pricing', cell.cell.contract.owner], 51],
    ])
    const table = await cell.table()
    expect(Object.keys(table.metadata.refs).toSorted()).toEqual([`backfill-${id}-r1`, 'main'])
    expect(table.properties['weir.backfillClaims']).toBe('[]')
    expect((await cell.store.loadLocks(table.name.name))!.document.held).toEqual([])
  })

  it.each([
    [
      'windows that reach over midnight',
      { kind: 'sliding', sizeSeconds: 7200, slideSeconds: 3600 },
    ],
    [
      'windows of more than a day',
      { kind: 'sliding', sizeSeconds: 2 * 86_400, slideSeconds: 43_200 },
    ],
  ] as const)('computes %s as the stream did', async (_, window) => {
    const cell = await cellOf({ window })
    const before = await cell.rows({ ages: true })

    const backfill = await cell.published(WANTED)

    expect(backfill).toMatchObject({ state: 'published', check: { rowsGone: 0 } })
    const after = await cell.rows({ ages: true })
    const ofStream = (rows: readonly string[]) => rows.filter((row) => !row.includes(' late '))
    expect(ofStream(after)).toEqual(ofStream(before))
    expect(after.length).toBeGreaterThan(before.length)
  })

  it('is the same one for whoever asks for the same, and runs once', async () => {
    const cell = await cellOf()

    const [one, two] = await Promise.all([cell.start(WANTED), cell.start(WANTED)])

    expect(one.backfill.id).toBe(two.backfill.id)
    expect(one.execution).toBe(two.execution)
    expect([one.isNew, two.isNew].toSorted()).toEqual([false, true])
    await cell.run(one.backfill.id)
    expect(await cell.start(WANTED)).toMatchObject({
      execution: undefined,
      backfill: { state: 'published' },
    })
  })

  it('of a corrected definition fills the table of its version, and leaves that of the one before alone', async () => {
    const cell = await cellOf()
    const old = await cell.rows({ ages: true })
    const filter = ge(fieldsOf<{ amount: 'decimal' }>().amount, 2)
    cell.cell.views = [amountsView({ version: 2, filter })]
    await cell.live()
    await cell.live()
    const before = await cell.rows({ ages: true })
    expect(before.length).toBe(old.length / 2)

    const { id, check } = await cell.published(WANTED)

    // Of the late ones all cost enough; of the others every second one.
    expect(check).toMatchObject({ rowsBefore: 24, rowsAfter: 27, rowsSame: 24, rowsAdded: 3 })
    await cell.rollBack(id)
    expect(await cell.rows({ ages: true })).toEqual(before)
    cell.cell.views = [amountsView()]
    expect(await cell.rows({ ages: true })).toEqual(old)
  })

  it('is refused where windows are still open, or a range is no whole days', async () => {
    const cell = await cellOf()

    await expect(cell.plan({ ...WANTED, to: FIRST + 60 * DAY })).rejects.toMatchObject({
      code: 'backfill.notFinal',
    })
    await expect(cell.plan({ ...WANTED, to: WANTED.to - HOUR })).rejects.toMatchObject({
      code: 'backfill.badRange',
    })
  })

  it('is not run with another definition than it was asked for', async () => {
    const cell = await cellOf()
    const { backfill } = await cell.start(WANTED)
    const [view] = cell.cell.views
    cell.cell.views = [{ ...view!, aggregates: view!.aggregates.slice(0, 1) }]

    expect(await cell.run(backfill.id)).toMatchObject({
      state: 'failed',
      failure: { code: 'backfill.redefined' },
    })
  })
})

describe('wherever a process dies', () => {
  const fewRows = () => cellOf({ everyHours: 12 })
  const faults: readonly Fault[] = ['dies before', 'dies after', 'answer lost', 'refused']

  it.each(faults)('the result is that of an undisturbed run: %s', async (fault) => {
    const undisturbed = await fewRows()
    await undisturbed.published(WANTED)
    const wanted = await undisturbed.rows()
    let met = 0
    for (let at = 1; ; at++) {
      const cell = await fewRows()
      const before = await cell.rows()
      const { backfill } = await cell.start(WANTED)
      const process = new FaultyProcess(at, fault)

      const done = await cell.run(backfill.id, { process })

      if (!process.met) break
      met++
      const failed = `${at}: ${process.log.at(-1)}`
      expect([failed, done.state]).toEqual([failed, 'published'])
      expect([failed, await cell.rows()]).toEqual([failed, wanted])
      const { snapshots, properties } = await cell.table()
      const ours = snapshots.filter((one) => one.summary['weir.backfill'] !== undefined)
      // One on the branch, one on the main one.
      expect([failed, ours.length]).toEqual([failed, 2])
      expect([failed, properties['weir.backfillClaims']]).toEqual([failed, '[]'])
      await cell.rollBack(backfill.id)
      expect([failed, await cell.rows()]).toEqual([failed, before])
    }
    expect(met).toBeGreaterThan(30)
  })

  it.each(faults)('a rollback gives exactly the rows before: %s', async (fault) => {
    for (let at = 1; ; at++) {
      const cell = await fewRows()
      const before = await cell.rows({ ages: true })
      const { id } = await cell.published(WANTED)
      const process = new FaultyProcess(at, fault)
      await cell.rollBack(id, process).catch(() => {})

      await cell.rollBack(id)

      expect(await cell.rows({ ages: true })).toEqual(before)
      if (!process.met) break
    }
  })

  it('a chunk that runs twice, or twice at once, writes the same bytes and one record', async () => {
    const cell = await cellOf()
    const { backfill } = await cell.start(WANTED)
    const { id } = backfill
    const { chunks } = await cell.step(id, 'begin')
    const [chunk] = chunks

    const first = await cell.chunk(id, chunk!)
    const second = await cell.chunk(id, chunk!)
    expect(second).toEqual(first)
    cell.cell.clock.ms += 13 * 3_600_000
    const again = await Promise.all([cell.chunk(id, chunk!), cell.chunk(id, chunk!)])

    expect(again.map(({ hash }) => hash)).toEqual([first.hash, first.hash])
    expect(again.map(({ files }) => files)).toEqual([first.files, first.files])
    expect(again[0]!.atMs).toBe(again[1]!.atMs)
  })

  it('files that have lain about for long are put again before a snapshot names them', async () => {
    const cell = await cellOf()
    const { backfill } = await cell.start(WANTED)
    const { chunks } = await cell.step(backfill.id, 'begin')
    for (const chunk of chunks) await cell.chunk(backfill.id, chunk)
    cell.cell.clock.ms += 13 * 3_600_000

    expect(await cell.step(backfill.id, 'land')).toMatchObject({ next: 'chunks', chunks })

    for (const chunk of chunks) await cell.chunk(backfill.id, chunk)
    expect(await cell.step(backfill.id, 'land')).toMatchObject({ next: 'publish' })
  })
})
