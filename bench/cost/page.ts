import { readFileSync, writeFileSync } from 'node:fs'
import type { PricedCase } from './cases.ts'
import { idleLines } from './idle.ts'
import { PRICES, usdOf } from './prices.ts'

export const PAGE_FILE = new URL('../../docs/cost.md', import.meta.url)

/** The tables of the page, by the name in their markers: a heading, and rows of cells. */
export type PageTables = Readonly<Record<string, readonly (readonly string[])[]>>

const GIB = 2 ** 30
const MILLION = 1_000_000

/** What the page's tables say for these cases, the first of which is looked at line by line. */
export function pageTables(cases: readonly PricedCase[]): PageTables {
  const first = cases[0]!
  const withFeatures = cases.find((one) => one.setting.features) ?? first
  const idle = idleLines(withFeatures.run.idleSweep)
  return {
    million: [
      ['load', 'counted', 'estimated', 'together', ...first.peers.map((peer) => peer.name)],
      ...cases.map(({ name, countedUsd, estimatedUsd, peers }) => [
        name,
        usd4(countedUsd),
        usd4(estimatedUsd),
        // Of what stands beside it, so that the line adds up.
        usd4(Number(usd4(countedUsd)) + Number(usd4(estimatedUsd))),
        ...peers.map((peer) => usd4(peer.usd)),
      ]),
    ],
    lines: [
      ['meter', 'units', '$', 'basis'],
      ...first.bill.map(({ meter, units, usd, basis }) => [
        meter,
        rounded(units),
        usd.toFixed(5),
        basis,
      ]),
    ],
    stored: [
      ['what', 'bytes an event', '$ a month'],
      ...Object.entries(first.storedBytes).map(([what, bytes]) => [
        what,
        String(Math.round(bytes)),
        usdOf('s3.gibMonths', (bytes * MILLION) / GIB).toFixed(4),
      ]),
    ],
    idle: [
      ['what', '$ a month'],
      ...idle.product.map(({ what, usd }) => [what, usd.toFixed(2)]),
      ...idle.cell.map(({ what, usd }) => [`the cell: ${what}`, usd.toFixed(2)]),
    ],
    prices: [
      ['meter', '$', 'per', 'as of'],
      ...Object.entries(PRICES.prices).map(([meter, { usd, per, unit, asOf }]) => [
        meter,
        String(usd),
        `${per === 1 ? '' : `${per.toLocaleString('en-US')} × `}${unit}`,
        asOf,
      ]),
    ],
  }
}

function usd4(usd: number): string {
  return usd.toFixed(4)
}

/** Whole units, or as many digits as tell something. */
function rounded(units: number): string {
  return units >= 10 ? Math.round(units).toLocaleString('en-US') : units.toPrecision(3)
}

/** The tables that the page has now. Throws if a marker has no table. */
export function readPage(): PageTables {
  const page = readFileSync(PAGE_FILE, 'utf8')
  const tables = [...page.matchAll(MARKED)].map(([, name, text]) => {
    const rows = text!.trim().split('\n')
    return [name!, rows.filter((row) => !/^\|[-| :]+\|$/.test(row)).map(cellsOf)] as const
  })
  return Object.fromEntries(tables)
}

const MARKED = /<!-- table (\w+) -->\n([\s\S]*?)<!-- end -->/g

function cellsOf(row: string): readonly string[] {
  return row
    .slice(1, -1)
    .split('|')
    .map((cell) => cell.trim())
}

/** Puts the tables into the page, where their markers are. */
export function writePage(tables: PageTables): void {
  const page = readFileSync(PAGE_FILE, 'utf8')
  const written = page.replace(MARKED, (_, name: string) => {
    const [head, ...rows] = tables[name] ?? []
    if (head === undefined) throw new Error(`${PAGE_FILE.pathname} has no table ${name}`)
    const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
    const rule = line(head.map((_cell, i) => (i === 0 ? '---' : '---:')))
    return `<!-- table ${name} -->\n${[line(head), rule, ...rows.map(line)].join('\n')}\n<!-- end -->`
  })
  writeFileSync(PAGE_FILE, written)
}
