import { setTimeout as sleep } from 'node:timers/promises'
import { DynamoDBClient, ScanCommand } from '@aws-sdk/client-dynamodb'
import { clientConfig } from '#lib/adapters/aws/client-config.ts'
import { seededRandom } from '#lib/domain/ops/seeded-random.ts'
import { EventProducer } from '#lib/producer.ts'
import { LocalCell } from '#test/support/local-cell.ts'
import { storedCount, storedSum } from '#test/support/stored-states.ts'
import { TRIP_TYPE } from '#test/support/trip-events.ts'
import { tripsVersion } from '#test/support/trips-versions.ts'
import { closingTrips, expectedWindows, firstDropoff, type SentTrip, trips } from './trips.ts'
import { Killer, Resharding } from './upheavals.ts'

const RESENT = 0.05
/** So slow that many processes are killed meanwhile. */
const EVENTS_PER_SECOND = 2_000
const FINAL_TIMEOUT_MS = 240_000
const WAIT_TIMEOUT = '300s'
const POLL_MS = 2_000

/**
 * More than the trips are out of order in the stream: at this pace minutes of event time wait in the producer at once.
 */
const TERMS = [
  '  - property: weir.shards\n',
  `  - property: weir.outOfOrdernessSeconds
    value: 7200
  - property: weir.allowedLatenessSeconds
    value: 7200
  - property: weir.shards
`,
] as const

/** What became of a run. */
export interface Proof {
  readonly events: number
  readonly sent: number
  readonly killed: number
  readonly late: number
  /** What differs from the oracle, a line each. */
  readonly differences: readonly string[]
  readonly seconds: number
}

export interface ProofOptions {
  readonly events: number
  readonly seed: number
  readonly onProgress: (line: string) => void
}

/**
 * Sends trips with resends and disorder to a cell on a local cloud, kills its functions' processes at random meanwhile,
 * splits and merges its shards, and holds table, features and final windows against an oracle of the events alone.
 */
export async function runProof({ events, seed, onProgress }: ProofOptions): Promise<Proof> {
  const started = performance.now()
  const first = firstDropoff(Date.now())
  const all = trips(events, seed, first)
  const closing = closingTrips(seed, first)
  onProgress('deploying a cell')
  const cell = await LocalCell.start(tripsVersion('1.0.0', TERMS).text)
  try {
    onProgress(`sending ${events} events while processes are killed and shards split and merged`)
    const killer = new Killer(cell, seededRandom(seed, 2))
    let sent: number
    try {
      sent = await sendWithResends(cell, all, seed)
      sent += await send(cell, closing)
    } finally {
      await killer.stop()
    }
    onProgress(`${killer.killed} processes were killed; waiting for the table`)
    await cell.weir(
      'wait',
      'trips',
      '--events',
      String(events + closing.length),
      '--timeout',
      WAIT_TIMEOUT,
    )
    await cell.weir('wait', 'trips', '--timeout', WAIT_TIMEOUT)
    onProgress('waiting for final windows')
    const differences = [
      ...(await tableDifferences(cell, [...all, ...closing], sent)),
      ...listDifferences(
        'feature',
        expectedWindows([...all, ...closing]),
        await storedWindows(cell),
      ),
      ...listDifferences('final window', expectedWindows(all), await finalWindows(cell, all)),
    ]
    const late = await lateRows(cell)
    if (late > 0) differences.push(`${late} rows were late, though none was sent so late`)
    const seconds = Math.round((performance.now() - started) / 1000)
    return { events, sent, killed: killer.killed, late, differences, seconds }
  } finally {
    await cell.stop()
  }
}

/** All of them, some again at once and some much later, by a producer that knows nothing of the first. */
async function sendWithResends(
  cell: LocalCell,
  all: readonly SentTrip[],
  seed: number,
): Promise<number> {
  const random = seededRandom(seed, 3)
  const [first, second] = [producerOf(cell), producerOf(cell)]
  const resharding = new Resharding(cell.streamName)
  const started = performance.now()
  let sent = 0
  for (const [i, { id, data }] of all.entries()) {
    await first.send({ id, data })
    sent++
    const aheadMs = (1000 * i) / EVENTS_PER_SECOND - (performance.now() - started)
    if (aheadMs > 20) await sleep(aheadMs)
    if (random() < RESENT) {
      const again = random() < 0.5 ? all[i]! : all[Math.floor(random() * i)]!
      await second.send({ id: again.id, data: again.data })
      sent++
    }
    if (i === Math.floor(all.length / 3)) await resharding.splitFirst()
    if (i === Math.floor((2 * all.length) / 3)) await resharding.mergeLast()
  }
  await first.close()
  await second.close()
  return sent
}

async function send(cell: LocalCell, some: readonly SentTrip[]): Promise<number> {
  const producer = producerOf(cell)
  for (const { id, data } of some) await producer.send({ id, data })
  await producer.close()
  return some.length
}

function producerOf(cell: LocalCell): EventProducer<SentTrip['data']> {
  return new EventProducer({
    streamName: cell.streamName,
    region: LocalCell.region,
    type: TRIP_TYPE,
    source: '/nyc-tlc/yellow',
    partitionKey: 'pickup_location_id',
  })
}

interface Reconciliation {
  readonly received: number
  readonly admitted: number
  readonly duplicate: number
  readonly rejected: number
  readonly balanced: boolean
}

async function tableDifferences(
  cell: LocalCell,
  all: readonly SentTrip[],
  sent: number,
): Promise<string[]> {
  const counts = await cell.weir<Reconciliation>('reconcile', 'trips')
  const expected = {
    received: sent,
    admitted: all.length,
    duplicate: sent - all.length,
    rejected: 0,
  }
  const wrong = (Object.keys(expected) as (keyof typeof expected)[])
    .filter((name) => counts[name] !== expected[name])
    .map((name) => `reconcile: ${name} is ${counts[name]}, not ${expected[name]}`)
  if (!counts.balanced) wrong.push('reconcile: the stores do not balance')
  const rows = await query(cell, 'select event_id, pickup_location_id, fare_amount from trips')
  const found = rows.map(([id, zone, fare]) => `${id} ${zone} ${centsOf(fare)}`)
  const wanted = all.map(({ id, zone, fareCents }) => `${id} ${zone} ${fareCents}`)
  return [...wrong, ...listDifferences('row', wanted.sort(), found.sort())]
}

/** Slots of all shards together. */
async function storedWindows(cell: LocalCell): Promise<string[]> {
  const client = new DynamoDBClient(clientConfig({ region: LocalCell.region }))
  const windows = new Map<string, { trips: number; cents: bigint }>()
  let from: Record<string, never> | undefined
  do {
    const page = await client.send(
      new ScanCommand({ TableName: cell.slotsTable, ExclusiveStartKey: from }),
    )
    for (const item of page.Items ?? []) {
      const [kind, , zone] = item.pk!.S!.split('#')
      if (kind !== 'slot') continue
      const start = new Date(item.sk!.S!.split('#')[0]!).toISOString().replace('.000Z', 'Z')
      const states = JSON.parse(item.states!.S!)
      const id = `${zone} ${start}`
      const window = windows.get(id) ?? { trips: 0, cents: 0n }
      windows.set(id, {
        trips: window.trips + storedCount(states.trip_count),
        cents: window.cents + storedSum(states.fare_sum),
      })
    }
    from = page.LastEvaluatedKey as typeof from
  } while (from !== undefined)
  return [...windows].map(([id, { trips: n, cents }]) => `${id} ${n} ${cents}`).sort()
}

/** Waits until there are as many as expected; then whatever there is. */
async function finalWindows(cell: LocalCell, all: readonly SentTrip[]): Promise<string[]> {
  const wanted = expectedWindows(all).length
  const deadline = performance.now() + FINAL_TIMEOUT_MS
  const last = all.reduce((latest, { hour }) => (hour > latest ? hour : latest), '')
  for (;;) {
    const rows = await rowsIfThere(
      cell,
      'select pickup_location_id, to_iso8601(window_start), trip_count, fare_sum from trips_zone_fares',
    )
    const found = rows
      .map(([zone, start, count, sum]) => ({
        zone,
        start: instantOf(start),
        count,
        cents: centsOf(sum),
      }))
      .filter(({ start }) => start <= last)
      .map(({ zone, start, count, cents }) => `${zone} ${start} ${count} ${cents}`)
    if (found.length >= wanted || performance.now() > deadline) return found.sort()
    await sleep(POLL_MS)
  }
}

async function lateRows(cell: LocalCell): Promise<number> {
  const [[count] = []] = await rowsIfThere(cell, 'select count(*) from trips_late')
  return Number(count ?? 0)
}

type Cell = string | number | null

async function query(cell: LocalCell, sql: string): Promise<Cell[][]> {
  return (await cell.weir<{ rows: Cell[][] }>('query', sql)).rows
}

/** None of a table that nothing has been written to yet. */
async function rowsIfThere(cell: LocalCell, sql: string): Promise<Cell[][]> {
  try {
    return await query(cell, sql)
  } catch (error) {
    if ((error as Error).message.includes('TABLE_NOT_FOUND')) return []
    throw error
  }
}

function centsOf(dollars: Cell | undefined): number {
  return Math.round(Number(dollars) * 100)
}

function instantOf(text: Cell | undefined): string {
  return new Date(String(text)).toISOString().replace('.000Z', 'Z')
}

/** At most a few lines, with how many there are. */
function listDifferences(
  what: string,
  expected: readonly string[],
  found: readonly string[],
): string[] {
  const [want, have] = [countsOf(expected), countsOf(found)]
  const wrong = [...new Set([...want.keys(), ...have.keys()])].filter(
    (one) => want.get(one) !== have.get(one),
  )
  if (wrong.length === 0) return []
  const shown = wrong.slice(0, 5).map((one) => {
    return `${what} "${one}": ${have.get(one) ?? 0} times, not ${want.get(one) ?? 0}`
  })
  return [`${what}s: ${wrong.length} differ`, ...shown]
}

function countsOf(lines: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const line of lines) counts.set(line, (counts.get(line) ?? 0) + 1)
  return counts
}
