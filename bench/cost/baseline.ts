import { readFileSync } from 'node:fs'
import { billOfMillion } from './bill.ts'
import { type LakeRunSettings, runLake } from './lake-run.ts'
import { type Setting, stubSettings, tripsContract } from './setting.ts'

/** Units of each meter for a million events, and what they cost: only what was counted, so the same on any machine. */
export interface Counted {
  readonly usd: number
  readonly units: Readonly<Record<string, number>>
}

export const BASELINE_FILE = new URL('baseline.json', import.meta.url)
/** What a change may cost before somebody has to say that it is worth it. */
export const MAX_GROWTH = 0.05

/** The dearest path: fresh, one lone shard, with features. */
const SETTING: Setting = {
  freshnessSeconds: 2,
  eventsPerSecondAndShard: 1_000,
  shards: 1,
  features: true,
}
const EVENTS = 6_000

/** Counts a fixed load. `changes` plants what should be noticed. */
export async function countBaseline(changes: Partial<LakeRunSettings> = {}): Promise<Counted> {
  const contract = tripsContract()
  const run = await runLake({ ...stubSettings(contract, SETTING, EVENTS), ...changes })
  if (!run.isComplete) throw new Error('the table does not hold every event once')
  const lines = billOfMillion(run, SETTING, contract.stream).filter(
    (line) => line.basis === 'counted',
  )
  const usd = lines.reduce((sum, line) => sum + line.usd, 0)
  const units = lines.map((line) => [line.meter, rounded(line.units)] as const)
  return { usd: rounded(usd), units: Object.fromEntries(units.sort()) }
}

/** What was agreed on. */
export function readBaseline(): Counted {
  return JSON.parse(readFileSync(BASELINE_FILE, 'utf8'))
}

/** One line for each meter, and for the price, that grew by more than is let pass; empty if none did. */
export function growthOf(before: Counted, now: Counted): readonly string[] {
  const named = { ...now.units, 'the price, in $ per million events,': now.usd }
  const known: Counted['units'] = {
    ...before.units,
    'the price, in $ per million events,': before.usd,
  }
  return Object.entries(named).flatMap(([meter, units]) => {
    const allowed = (known[meter] ?? 0) * (1 + MAX_GROWTH)
    return units > allowed ? [`${meter} grew from ${known[meter] ?? 0} to ${units}`] : []
  })
}

function rounded(value: number): number {
  return Number(value.toPrecision(8))
}
