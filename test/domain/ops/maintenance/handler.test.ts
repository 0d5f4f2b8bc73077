import { expect, it } from 'vitest'
import type { Log } from '#lib/domain/ops/log.ts'
import { countingIds } from '#test/domain/lake/lake-fixture.ts'
import { MemoryCell, tripsContract } from '#test/support/memory-cell.ts'
import { record, tripText } from '#test/support/trip-events.ts'
import { makeHandler } from '../../../../functions/lake/maintain-table/handler.ts'

const SILENT: Log = { info() {}, error() {} } as unknown as Log

async function handlerOf(cell: MemoryCell) {
  const { objects, catalog, clock } = cell
  return makeHandler({
    log: SILENT,
    lake: { objects, catalog, clock, ids: countingIds(9000) },
    journal: cell.journal,
    generations: cell.generations,
    slotsOf: cell.slotsOf,
    remover: objects,
    contracts: cell.contracts,
    views: [],
    layout: cell.layout,
    database: 'weir',
  })
}

const TIME = { getRemainingTimeInMillis: () => 900_000 }

it('answers what the next call is given, with the caller’s own state, until it is done', async () => {
  const cell = new MemoryCell(await tripsContract())
  await cell.archive().take('s', [record(1, tripText({ id: 'e1' }))])
  await cell.commit()
  const handler = await handlerOf(cell)
  let answer: { run: string; function?: string; done?: boolean; number?: number } = {
    run: 'r',
    function: 'mine',
  }

  let calls = 0
  while (!answer.done) {
    answer = await handler(answer, TIME)
    calls++
    expect(answer).toMatchObject({ run: 'r', function: 'mine', number: calls })
  }

  expect(calls).toBe(8)
  expect(answer).toEqual({ run: 'r', function: 'mine', number: 8, done: true })
})

it('begins no more work when the invocation’s time draws to its end', async () => {
  const cell = new MemoryCell(await tripsContract())
  for (let at = 1; at <= 5; at++) {
    await cell.archive().take('s', [record(at, tripText({ id: `e${at}` }))])
    await cell.commit()
  }
  const handler = await handlerOf(cell)

  const answer = await handler({ run: 'r' }, { getRemainingTimeInMillis: () => 200_000 })

  expect(answer).toMatchObject({ number: 1, next: { table: 'trips', step: 'compact' } })
})

it.each([{}, { run: '' }, { run: 'r', next: { table: 't', step: 'drop' } }, null])(
  'refuses %j, and says what to write',
  async (event) => {
    const handler = await handlerOf(new MemoryCell(await tripsContract()))

    await expect(handler(event, TIME)).rejects.toMatchObject({
      code: 'maintenance.badRequest',
      message: expect.stringContaining('begin with {"run"'),
    })
  },
)
