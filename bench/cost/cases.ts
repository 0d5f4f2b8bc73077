import { billOfMillion, MILLION } from './bill.ts'
import { type LakeRun, runLake } from './lake-run.ts'
import { type Peer, peersOf } from './peers.ts'
import { type BillLine, totalUsd } from './prices.ts'
import { type Setting, stubSettings, tripsContract } from './setting.ts'
import { StubCloud } from './stub-cloud.ts'

const ONE_SHARD = { eventsPerSecondAndShard: 1_000, shards: 1, features: false }
const TWO_SECONDS = { freshnessSeconds: 2, ...ONE_SHARD }
const TEN_SECONDS = { freshnessSeconds: 10, ...ONE_SHARD }
/** More shards share one commit: the busier a product, the cheaper its events. */
const BUSY = { freshnessSeconds: 2, eventsPerSecondAndShard: 1_500, shards: 4, features: false }

/** Freshness first: it is what costs. The contract's own before the others. */
export const SETTINGS: readonly Setting[] = [
  TWO_SECONDS,
  TEN_SECONDS,
  { freshnessSeconds: 60, ...ONE_SHARD },
  BUSY,
  { ...TWO_SECONDS, features: true },
  { ...TEN_SECONDS, features: true },
]

/** What a million events of a setting cost, and what else would have brought them to S3. */
export interface PricedCase {
  readonly name: string
  readonly setting: Setting
  readonly run: LakeRun
  readonly bill: readonly BillLine[]
  readonly countedUsd: number
  /** Machine time is measured where this runs: only the order of it is the same everywhere. */
  readonly estimatedUsd: number
  /** Bytes of an event in raw, and in the table with all that belongs to it. */
  readonly storedBytes: { readonly raw: number; readonly table: number }
  readonly peers: readonly Peer[]
}

export async function pricedCase(setting: Setting): Promise<PricedCase> {
  const contract = tripsContract()
  const cloud = new StubCloud()
  const run = await runLake(stubSettings(contract, setting, eventsOf(setting), cloud))
  const bill = billOfMillion(run, setting, contract.stream)
  const of = (basis: BillLine['basis']) => totalUsd(bill.filter((line) => line.basis === basis))
  const stored = (folder: string) => cloud.storedBytes(`bucket/${folder}/`) / run.eventsInAll
  return {
    name: nameOf(setting),
    setting,
    run,
    bill,
    countedUsd: of('counted'),
    estimatedUsd: of('estimated'),
    storedBytes: { raw: stored('raw'), table: stored('table') + stored('batches') },
    peers: peersOf({
      eventsPerSecond: setting.eventsPerSecondAndShard * setting.shards,
      packedBytes: (run.streamBytes / run.events) * MILLION,
    }),
  }
}

/** Several batches of each shard, or one that is cut by its size. */
function eventsOf({ freshnessSeconds, shards, eventsPerSecondAndShard }: Setting): number {
  const seconds = Math.min(60, Math.max(2 * freshnessSeconds, 6))
  return seconds * eventsPerSecondAndShard * shards
}

function nameOf({ freshnessSeconds, shards, eventsPerSecondAndShard, features }: Setting): string {
  const load = `${shards}x${eventsPerSecondAndShard}/s`
  return `${freshnessSeconds}s-${load}${features ? '-features' : ''}`
}
