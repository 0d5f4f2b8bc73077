import type { Comparison } from './comparison.ts'
import { type PricedCase, pricedCase, SETTINGS } from './cost/cases.ts'

/**
 * What a million 1 KB events cost, from the producer to a committed snapshot, at list price: calls counted by the ledger
 * on real SDK clients in front of a stub, under a steady load in virtual time. Beside it what managed deliveries cost.
 * `equal` says that the table held every event once at the end; peers are arithmetic, not runs.
 */
export async function* run(): AsyncIterable<Comparison> {
  for (const setting of SETTINGS) {
    const priced = await pricedCase(setting)
    explain(priced)
    if (setting.features) continue
    const ours = priced.countedUsd + priced.estimatedUsd
    for (const peer of priced.peers) {
      yield {
        name: `cost/${priced.name}`,
        peer: peer.name,
        ours: rounded(ours),
        theirs: rounded(peer.usd),
        ratio: Number((peer.usd / ours).toFixed(2)),
        unit: '$ per million 1 KB events',
        equal: priced.run.isComplete,
        theirsCountedAs: peer.countedAs,
        theirsDoesNot: peer.doesNot,
      }
    }
  }
}

/** The bill for people, on stderr. */
function explain({ name, setting, run, bill, countedUsd, estimatedUsd }: PricedCase): void {
  const perEvent = run.streamBytes / run.events
  const use = (perEvent * setting.eventsPerSecondAndShard) / 2 ** 20
  const lines = [
    '',
    `${name}: $${(countedUsd + estimatedUsd).toFixed(4)} per million (${Math.round(use * 100)} % of a shard's bytes, ` +
      `${Math.round(perEvent)} bytes and ${(run.streamRecords / run.events).toFixed(3)} records an event)`,
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
