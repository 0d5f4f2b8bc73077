import priceFile from './us-east-1.json' with { type: 'json' }

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
export const PRICES: PriceFile = priceFile

/** Units at their list price. Throws if there is none: nothing is free by accident. */
export function usdOf(meter: string, units: number): number {
  const price = PRICES.prices[meter]
  if (price === undefined) throw new Error(`the price file has no price for ${meter}`)
  return (units / price.per) * price.usd
}
