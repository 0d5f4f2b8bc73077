import type { BilledUnits } from '#lib/adapters/aws/billed-units.ts'
import { PRICES, usdOf } from '#lib/domain/ops/prices/prices.ts'

export { PRICES, usdOf }

/** One line of a bill. */
export interface BillLine {
  readonly meter: string
  readonly units: number
  readonly usd: number
  /** Counted on the wire, or estimated from what the price file says. */
  readonly basis: 'counted' | 'estimated'
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
