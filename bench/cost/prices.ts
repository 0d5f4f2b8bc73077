import { readFileSync } from 'node:fs'
import type { BilledUnits } from '#lib/adapters/aws/billed-units.ts'

interface Price {
  readonly usd: number
  readonly per: number
  readonly unit: string
  /** When it was read, `YYYY-MM`. */
  readonly asOf: string
  readonly source: string
}

interface PriceFile {
  readonly region: string
  readonly prices: Readonly<Record<string, Price>>
  readonly assumptions: {
    readonly lambdaCoreMib: number
    readonly storeCallMs: Readonly<Record<string, number>>
    readonly kmsRequestsPerFiveMinutes: number
    readonly logBytesPerInvocation: number
  }
}

/** List prices with date and source, and what is assumed where nothing can be counted. */
export const PRICES: PriceFile = JSON.parse(
  readFileSync(new URL('../prices/us-east-1.json', import.meta.url), 'utf8'),
)

/** One line of a bill. */
export interface BillLine {
  readonly meter: string
  readonly units: number
  readonly usd: number
  /** Counted on the wire, or estimated from what the price file says. */
  readonly basis: 'counted' | 'estimated'
}

/** Units at their list price. Throws if there is none: nothing is free by accident. */
export function usdOf(meter: string, units: number): number {
  const price = PRICES.prices[meter]
  if (price === undefined) throw new Error(`the price file has no price for ${meter}`)
  return (units / price.per) * price.usd
}

/** Units as lines, each times `scale`. */
export function billLines(
  units: BilledUnits | Readonly<Record<string, number>>,
  basis: BillLine['basis'],
  scale = 1,
): BillLine[] {
  return Object.entries(units).map(([meter, count]) => {
    const scaled = count * scale
    return { meter, units: scaled, usd: usdOf(meter, scaled), basis }
  })
}

export function totalUsd(lines: readonly BillLine[]): number {
  return lines.reduce((sum, line) => sum + line.usd, 0)
}
