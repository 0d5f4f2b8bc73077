import type { Comparison } from './comparison.ts'
import { billOfMillion, MILLION } from './cost/bill.ts'
import { type LakeRun, runLake } from './cost/lake-run.ts'
import { peersOf } from './cost/peers.ts'
import { type BillLine, totalUsd } from './cost/prices.ts'
import { type Setting, stubSettings, tripsContract } from './cost/setting.ts'

const ONE_SHARD = { eventsPerSecondAndShard: 1_000, shards: 1, features: false }

/** The contract's own freshness first: freshness is what costs. */
const SETTINGS: readonly Setting[] = [
  { freshnessSeconds: 2, ...ONE_SHARD },
  { freshnessSeconds: 10, ...ONE_SHARD },
  { freshnessSeconds: 60, ...ONE_SHARD },
]
/** More shards share one commit: the busier a product, the cheaper its events. */
const BUSY: readonly Setting[] = [
  { freshnessSeconds: 2, eventsPerSecondAndShard: 1_500, shards: 4, features: false },
]
const WITH_FEATURES: readonly Setting[] = [
  { freshnessSeconds: 2, ...ONE_SHARD, features: true },
  { freshnessSeconds: 10, ...ONE_SHARD, features: true },
]

/** Enough for several batches of each shard. */
function eventsOf({ freshnessSeconds, shards, eventsPerSecondAndShard }: Setting): number {
  const batches = freshnessSeconds < 60 ? 3 : 1
  return Math.max(30, batches * freshnessSeconds) * eventsPerSecondAndShard * shards
}

/**
 * What a million 1 KB events cost, from the producer to a committed snapshot, at list price: calls counted by the ledger
 * on real SDK clients in front of a stub, under a steady load in virtual time. Beside it what managed deliveries cost.
 * `equal` says that the table held every event once at the end; peers are arithmetic, not runs.
 */
export async function* run(): AsyncIterable<Comparison> {
  const contract = tripsContract()
  for (const setting of [...SETTINGS, ...BUSY, ...WITH_FEATURES]) {
    const settings = stubSettings(contract, setting, eventsOf(setting))
    const measured = await runLake(settings)
    const bill = billOfMillion(measured, setting, contract.stream)
    explain(setting, measured, bill)
    if (setting.features) continue
    const ours = totalUsd(bill)
    const peers = peersOf({
      eventsPerSecond: setting.eventsPerSecondAndShard * setting.shards,
      packedBytes: (measured.streamBytes / measured.events) * MILLION,
    })
    for (const peer of peers) {
      yield {
        name: `cost/${nameOf(setting)}`,
        peer: peer.name,
        ours: rounded(ours),
        theirs: rounded(peer.usd),
        ratio: Number((peer.usd / ours).toFixed(2)),
        unit: '$ per million 1 KB events',
        equal: measured.isComplete,
        theirsCountedAs: peer.countedAs,
        theirsDoesNot: peer.doesNot,
      }
    }
  }
}

function nameOf({ freshnessSeconds, shards, eventsPerSecondAndShard }: Setting): string {
  const load = `${shards}x${eventsPerSecondAndShard}/s`
  return `${freshnessSeconds}s-${load}`
}

/** The bill for people, on stderr. */
function explain(setting: Setting, measured: LakeRun, bill: readonly BillLine[]): void {
  const { freshnessSeconds, eventsPerSecondAndShard, shards, features } = setting
  const perEvent = measured.streamBytes / measured.events
  const use = (perEvent * eventsPerSecondAndShard) / 2 ** 20
  const lines = [
    '',
    `freshness ${freshnessSeconds} s, ${shards} × ${eventsPerSecondAndShard} events/s${features ? ', with features' : ''}: ` +
      `$${totalUsd(bill).toFixed(4)} per million (${Math.round(use * 100)} % of a shard's bytes, ` +
      `${Math.round(perEvent)} bytes and ${(measured.streamRecords / measured.events).toFixed(3)} records an event)`,
    ...bill.map(
      ({ meter, units, usd, basis }) =>
        `  ${meter.padEnd(28)} ${Math.round(units * 1000) / 1000} × = $${usd.toFixed(5)}${basis === 'estimated' ? '  (estimated)' : ''}`,
    ),
  ]
  process.stderr.write(`${lines.join('\n')}\n`)
}

function rounded(usd: number): number {
  return Number(usd.toFixed(5))
}
