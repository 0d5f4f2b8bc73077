import { loadavg } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { clientConfig } from '#lib/adapters/aws/client-config.ts'
import { DynamoDbSlotStore } from '#lib/adapters/dynamodb/dynamodb-slot-store.ts'
import { readFeatures } from '#lib/domain/features/read-features.ts'
import { seededRandom } from '#lib/domain/ops/seeded-random.ts'
import { EventProducer } from '#lib/producer.ts'
import { views } from '#products/trips/features.ts'
import { LocalCell } from '#test/support/local-cell.ts'
import { TRIP_TYPE, tripText } from '#test/support/trip-events.ts'
import { tripsVersion } from '#test/support/trips-versions.ts'
import type { Comparison } from './comparison.ts'

const AIM_SECONDS = 3
const EVENTS_PER_SECOND = 1_000
const SECONDS = 60
const TICK_MS = 20
const POLL_MS = 50
/** Zones that only probes are of, one probe at a time each; the others fill the stream. */
const PROBE_ZONES = [2, 40, 90, 150, 210, 260]
const FILLED_ZONES = Array.from({ length: 265 }, (_, at) => at + 1).filter(
  (zone) => !PROBE_ZONES.includes(zone),
)
/** All events are of one hour, so that a window that ends is not taken for a delay. */
const DROPOFF = '2026-01-15 10:30:00'
const AT_MICROS = Date.parse('2026-01-15T15:30:00Z') * 1000
const WARM_UP_SECONDS = 10
/** As the trips product has it. */
const LATENCY_SECONDS = 2

type Trip = Record<string, unknown> & { pickup_location_id: number }

/**
 * Event to readable feature on a local cloud: from the producer's `send` to the first read of the feature that holds the
 * event, while 1,000 events arrive each second for a minute. `--seconds N`, `--rate N`, `--latency N` (what the contract
 * promises: how long a batch gathers). A slow lane: it deploys a cell.
 */
export async function* run(args: readonly string[]): AsyncIterable<Comparison> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seconds: { type: 'string' },
      rate: { type: 'string' },
      latency: { type: 'string' },
    },
  })
  const seconds = Number(values.seconds ?? SECONDS)
  const rate = Number(values.rate ?? EVENTS_PER_SECOND)
  const latency = Number(values.latency ?? LATENCY_SECONDS)
  const cell = await LocalCell.start(contractText(latency))
  try {
    const load = new Load(cell, rate)
    await load.run(WARM_UP_SECONDS)
    load.latencies.length = 0
    const started = performance.now()
    const before = load.sent
    await load.run(seconds)
    const reached = (1000 * (load.sent - before)) / (performance.now() - started)
    const equal = await load.isAllReadable()
    const of = (share: number) => quantile(load.latencies, share)
    yield {
      name: 'freshness/feature',
      peer: `the aim of ${AIM_SECONDS} s at the 95th percentile`,
      ours: of(0.95),
      theirs: AIM_SECONDS,
      ratio: Number((AIM_SECONDS / of(0.95)).toFixed(2)),
      unit: 's',
      equal,
      what: 'from send to the first read of a feature that holds the event, on a local cloud',
      gatheringSeconds: latency,
      machineLoad: Number(loadavg()[0]!.toFixed(1)),
      p50: of(0.5),
      p99: of(0.99),
      probes: load.latencies.length,
      eventsPerSecond: Math.round(reached),
    }
  } finally {
    await cell.stop()
  }
}

function contractText(latencySeconds: number): string {
  const said = (seconds: number) => `property: latency\n    value: ${seconds}\n`
  return tripsVersion('1.0.0', [said(LATENCY_SECONDS), said(latencySeconds)]).text
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  const at = Math.min(sorted.length - 1, Math.floor(share * sorted.length))
  return Number((sorted[at]! / 1000).toFixed(2))
}

/** What a cell is given, and how soon it shows. */
class Load {
  /** Milliseconds, one for each probe. */
  readonly latencies: number[] = []
  readonly #producer: EventProducer<Trip>
  readonly #slots: DynamoDbSlotStore
  readonly #rate: number
  readonly #random = seededRandom(1)
  readonly #sentTo = new Map<number, number>()
  readonly #contract = tripsVersion('1.0.0').contract
  sent = 0

  constructor(cell: LocalCell, rate: number) {
    this.#rate = rate
    this.#producer = new EventProducer<Trip>({
      streamName: cell.streamName,
      region: LocalCell.region,
      type: TRIP_TYPE,
      source: '/nyc-tlc/yellow',
      partitionKey: 'pickup_location_id',
    })
    const client = new DynamoDBClient(clientConfig({ region: LocalCell.region }))
    this.#slots = new DynamoDbSlotStore({ client, tableName: cell.slotsTable })
  }

  /** Sends for so long at the rate, and probes. */
  async run(seconds: number): Promise<void> {
    const stop = new AbortController()
    const probes = PROBE_ZONES.map((zone) => this.#probe(zone, stop.signal))
    const started = performance.now()
    const before = this.sent
    try {
      for (let now = started; now - started < 1000 * seconds; now = performance.now()) {
        const due = before + ((now - started) * this.#rate) / 1000
        while (this.sent < due) {
          const zone = FILLED_ZONES[Math.floor(this.#random() * FILLED_ZONES.length)]!
          await this.#send(zone)
        }
        await sleep(TICK_MS)
      }
    } finally {
      stop.abort()
      await Promise.all(probes)
    }
    await this.#producer.flush()
  }

  /** Whether every zone comes to show what it was sent. */
  async isAllReadable(): Promise<boolean> {
    const deadline = performance.now() + 60_000
    const missing = new Set(this.#sentTo.keys())
    while (missing.size > 0 && performance.now() < deadline) {
      for (const zone of missing) {
        if ((await this.#count(zone)) === this.#sentTo.get(zone)) missing.delete(zone)
      }
      await sleep(POLL_MS)
    }
    return missing.size === 0
  }

  async #probe(zone: number, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const wanted = (this.#sentTo.get(zone) ?? 0) + 1
      const started = performance.now()
      await this.#send(zone)
      while ((await this.#count(zone)) < wanted) await sleep(POLL_MS)
      this.latencies.push(performance.now() - started)
      // Not in step with the batches that it waits for.
      await sleep(this.#random() * 2_000)
    }
  }

  async #send(zone: number): Promise<void> {
    const id = `trip-${this.sent++}`
    this.#sentTo.set(zone, (this.#sentTo.get(zone) ?? 0) + 1)
    const { data } = JSON.parse(tripText({ id, zone, dropoff: DROPOFF })) as { data: Trip }
    await this.#producer.send({ id, data })
  }

  async #count(zone: number): Promise<number> {
    const sources = { slots: this.#slots, contract: this.#contract }
    const { values } = await readFeatures(sources, views[0]!, String(zone), AT_MICROS)
    return Number(values.trip_count)
  }
}
