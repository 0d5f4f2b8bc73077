import { beforeAll, describe, expect, it } from 'vitest'
import { cellAlarms, productAlarms } from '#lib/constructs/ops/alarm-catalogue.ts'
import { type PricedCase, pricedCase, SETTINGS } from '../../bench/cost/cases.ts'
import { CELL_ALARMS, PRODUCT_ALARMS } from '../../bench/cost/idle.ts'
import { type PageTables, pageTables, readPage } from '../../bench/cost/page.ts'

// Grown or shrunk on purpose? `node bench/cost/write-page.ts` puts the figures of now into the page.
describe('docs/cost.md', () => {
  const page = readPage()
  let now: PageTables
  let cases: PricedCase[]
  beforeAll(async () => {
    cases = []
    for (const setting of SETTINGS) cases.push(await pricedCase(setting))
    now = pageTables(cases)
  }, 600_000)

  const rowsOf = (tables: PageTables, name: string) =>
    new Map(tables[name]!.slice(1).map((row) => [row[0]!, row.slice(1)]))
  const numbers = (cells: readonly string[]) =>
    cells.map((cell) => Number(cell.replaceAll(',', '')))
  /** Up to the last of the four digits that the page shows. */
  const isRounded = (told: number, now: number) => Math.abs(told - now) < 0.00011
  /** Machine time differs from machine to machine, and with what else it does. */
  const isOfTheOrderOf = (told: number, measured: number) =>
    told > measured / 4 && told < measured * 4

  it('has the tables that can be computed, with their headings', () => {
    expect(Object.keys(page)).toEqual(Object.keys(now))
    for (const name of Object.keys(now)) expect(page[name]![0]).toEqual(now[name]![0])
  })

  it('says what a million events cost as it is counted, and what others take for them', () => {
    const [told, counted] = [rowsOf(page, 'million'), rowsOf(now, 'million')]
    expect([...told.keys()]).toEqual([...counted.keys()])

    for (const [name, cells] of counted) {
      const [usd, estimated, together, ...peers] = numbers(told.get(name)!)
      const [usdNow, estimatedNow, , ...peersNow] = numbers(cells)
      expect([name, isRounded(usd!, usdNow!)]).toEqual([name, true])
      for (const [i, peer] of peers.entries()) {
        expect([name, isRounded(peer, peersNow[i]!)]).toEqual([name, true])
      }
      expect(together).toBeCloseTo(usd! + estimated!, 6)
      expect([name, isOfTheOrderOf(estimated!, estimatedNow!)]).toEqual([name, true])
    }
    for (const { run } of cases) expect(run.isComplete).toBe(true)
  })

  it('says line by line what makes up the first of them', () => {
    const [told, counted] = [rowsOf(page, 'lines'), rowsOf(now, 'lines')]
    expect([...told.keys()].sort()).toEqual([...counted.keys()].sort())

    for (const [meter, cells] of counted) {
      const [units, usd] = numbers(told.get(meter)!)
      const [unitsNow, usdNow] = numbers(cells)
      const basis = told.get(meter)!.at(-1)
      expect([meter, basis]).toEqual([meter, cells.at(-1)])
      if (basis === 'estimated') {
        expect([meter, isOfTheOrderOf(usd!, usdNow!)]).toEqual([meter, true])
      } else {
        expect([meter, units! / unitsNow!]).toEqual([meter, expect.closeTo(1, 1)])
        expect([meter, isRounded(usd!, usdNow!)]).toEqual([meter, true])
      }
    }
  })

  it.each(['idle', 'stored', 'prices'])('says of the table "%s" what is computed', (name) => {
    const [told, computed] = [rowsOf(page, name), rowsOf(now, name)]
    expect([...told.keys()]).toEqual([...computed.keys()])

    for (const [what, cells] of computed) {
      const close = cells.map((cell) => {
        const value = Number(cell)
        return Number.isNaN(value) ? cell : expect.closeTo(value, name === 'idle' ? 1 : 0)
      })
      const exact = name === 'prices' ? cells : close
      const given = told.get(what)!.map((cell, i) => (exact[i] === cells[i] ? cell : Number(cell)))
      expect([what, given]).toEqual([what, exact])
    }
  })

  it('counts the alarms that there are', () => {
    const units = new Proxy({}, { get: (_, name) => (name === 'freshnessSeconds' ? 2 : stub) })
    const product = productAlarms(units as Parameters<typeof productAlarms>[0])

    expect([
      product.length,
      cellAlarms({ maintenance: stub, publishing: stub } as never).length,
    ]).toEqual([PRODUCT_ALARMS, CELL_ALARMS])
  })
})

// Only how many they are counts here: any function and stream will do.
const stub = new Proxy({}, { get: () => () => ({}) })
