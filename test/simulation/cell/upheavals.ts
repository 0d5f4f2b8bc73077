import { between, oneOf } from '../kernel/choices.ts'
import type { Cell } from './cell.ts'
import type { Deployment } from './product.ts'

const MINUTE_MS = 60_000

export interface UpheavalSettings {
  /** How long the producers send, about. */
  readonly spanMs: number
  readonly reshards: number
  readonly outage: number
  /** How likely nothing is committed for days. */
  readonly idleCommits: number
  /** How likely nothing is archived for an hour or more. */
  readonly idleArchive: number
  /** In the order in which they come. */
  readonly deployments: readonly Deployment[]
}

/** What happens to a cell from outside: reshards, deployments, a store that is down for ten minutes. */
export function plotUpheavals(cell: Cell, settings: UpheavalSettings): void {
  const { scheduler, choices } = cell.cloud
  const random = choices.random('upheavals')
  const drawMs = () => Math.floor(random() * settings.spanMs)
  const at = (name: string, happens: () => void, ms = drawMs()) => {
    if (choices.includes(name)) scheduler.after(ms, 'upheaval', name, happens)
  }
  for (let n = 0; n < settings.reshards; n++) {
    const [kind, pick, twice] = [random(), random(), random() < 0.3]
    // Hours later the stream has forgotten the shards that the first ones closed.
    const laterMs = random() < 0.25 ? between(random, 95, 400) * MINUTE_MS : 0
    at(
      `reshard ${n}`,
      () => {
        reshard(cell, kind, pick)
        // A stream that grows fourfold doubles twice: shards between hold nothing.
        if (twice) reshard(cell, 0, 0.999)
      },
      drawMs() + laterMs,
    )
  }
  if (random() < settings.outage) {
    const service = oneOf(random, ['s3', 'dynamodb', 'glue', 'kinesis'] as const)
    const lastsMs = between(random, 1, 10) * MINUTE_MS
    at(`outage of ${service}`, () => {
      const { nowMs } = scheduler
      cell.network.outages.push({ service, fromMs: nowMs, toMs: nowMs + lastsMs })
    })
  }
  const awayHours = between(random, 26, 60)
  if (random() < settings.idleCommits) {
    at('commits pause', () => cell.pauseCommits(awayHours * 60 * MINUTE_MS))
  }
  // A version that objects are named after has to be there in the end: it comes when it is due.
  const isReversible = !settings.deployments.includes('widened')
  // Less than a closed shard is listed: what waits longer is lost to everybody.
  const idleMinutes = between(random, 40, 75)
  if (random() < settings.idleArchive) {
    at('archiving pauses', () => cell.pauseArchive(idleMinutes * MINUTE_MS))
  }
  const times = settings.deployments.map(drawMs).sort((a, b) => a - b)
  for (const [n, deployment] of settings.deployments.entries()) {
    const [atCall, isGivenUp, isAmid] = [between(random, 1, 16), random() < 0.7, random() < 0.8]
    at(
      `deploy ${n + 1} ${deployment}`,
      () =>
        isAmid && isReversible
          ? cell.deployAmid(deployment, { atCall, isGivenUp })
          : cell.deploy(deployment),
      times[n],
    )
  }
}

function reshard({ cloud: { stream } }: Cell, kind: number, pick: number): void {
  const open = stream.shards.filter(({ isClosed }) => !isClosed).sort((a, b) => a.from - b.from)
  const at = Math.floor(pick * open.length)
  const [one, next] = [open[at]!, open[at + 1]]
  const hasMerged = kind > 0.6 && next !== undefined && stream.merge(one.id, next.id)
  if (!hasMerged) stream.split(one.id)
}
