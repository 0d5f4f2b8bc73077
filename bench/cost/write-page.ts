// Run when the figures on docs/cost.md are no longer those that are counted: `node bench/cost/write-page.ts`.
import { type PricedCase, pricedCase, SETTINGS } from './cases.ts'
import { pageTables, writePage } from './page.ts'

const cases: PricedCase[] = []
for (const setting of SETTINGS) cases.push(await pricedCase(setting))
writePage(pageTables(cases))
