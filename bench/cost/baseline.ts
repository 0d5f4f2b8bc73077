import { readFileSync } from 'node:fs'
import { billOfMillion } from './bill.ts'
import { type LakeRunSettings, runLake } from './lake-run.ts'
import { type Setting, stubSettings, tripsContract } from './setting.ts'

/** Units of each meter for a million events, and what they cost: only what was counted, so the same on any machine. */
export interface Counted {
  readonly usd: number
  readonly units: Readonly<Record<string, number>>
}

/** What is counted: the lake alone, where a call more per batch shows, and with features, the dearest path. */
export type Baseline = Readonly<Record<'lake' | 'features', Counted>>

export const BASELINE_FILE = new URL('baseline.json', import.meta.url)
/** What a change may cost before somebody has to say that it is worth it. */
export const MAX_GROWTH = 0.05

/** Fresh, and one lone shard: nothing is shared. */
const SETTING: Setting = {
  freshnessSeconds: 2,
  eventsPerSecondAndShard: 1_000,
  shards: 1,
  features: false,
}
const EVENTS = 6_000

type Changes = Partial<LakeRunSettings>

/** Counts a fixed load. `changes` plants what should be noticed. */
export async function countBaseline(changes: Changes = {}): Promise<Baseline> {
  return {
    lake: await count(SETTING, changes),
    features: await count({ ...SETTING, features: true }, changes),
  }
}

async function count(setting: Setting, changes: Changes): Promise<Counted> {
  const contract = tripsContract()
  const run = await runLake({ ...stubSettings(contract, setting, EVENTS), ...changes })
  if (!run.isComplete) throw new Error('the table does not hold every event once')
  const lines = billOfMillion(run, setting, contract.stream).filter(
    (line) => line.basis === 'counted',
  )
  const usd = lines.reduce((sum, line) => sum + line.usd, 0)
  const units = lines.map((line) => [line.meter, rounded(line.units)] as const)
  return { usd: rounded(usd), units: Object.fromEntries(units.sort()) }
}

/** What was agreed on. */
export function readBaseline(): Baseline {
  return JSON.parse(readFileSync(BASELINE_FILE, 'utf8'))
}

/** One line for each meter, and for each price, that grew by more than is let pass; empty if none did. */
export function growthOf(before: Baseline, now: Baseline): readonly string[] {
  return (['lake', 'features'] as const).flatMap((path) => {
    const [known, grown] = [namedUnits(before[path]), namedUnits(now[path])]
    return Object.entries(grown).flatMap(([meter, units]) => {
      const allowed = (known[meter] ?? 0) * (1 + MAX_GROWTH)
      return units > allowed ? [`${path}: ${meter} grew from ${known[meter] ?? 0} to ${units}`] : []
    })
  })
}

function namedUnits({ usd, units }: Counted): Counted['units'] {
  return { ...units, 'the price, in $ per million events,': usd }
}

function rounded(value: number): number {
  return Number(value.toPrecision(8))
}
