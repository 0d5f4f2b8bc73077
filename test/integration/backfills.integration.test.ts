import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation'
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { clientConfig } from '#lib/adapters/aws/client-config.ts'
import { LocalCell } from '#test/support/local-cell.ts'
import { tripText } from '#test/support/trip-events.ts'
import { root } from '#test/support/weir.ts'

const VIEW = `import { fieldsOf, ge } from '#lib/domain/features/define/expressions.ts'
import { viewsOf } from '#lib/domain/features/define/view.ts'
import type { TripsFields } from './fields.ts'

const view = viewsOf<TripsFields>()

export const views = [
  view({
    name: 'zone-fares',
    description: 'Trips and fares per pick-up zone and day, of trips that cost something.',
    version: 2,
    filter: ge(fieldsOf<TripsFields>().fare_amount, 3),
    key: 'pickup_location_id',
    window: { kind: 'tumbling', sizeSeconds: 86400 },
    aggregates: {
      trip_count: { function: 'count' },
      fare_sum: { function: 'sum', field: 'fare_amount' },
    },
    freshnessSeconds: 7200,
    owner: 'pricing',
  }),
]
`
const RANGE = ['--from', '2019-01-01', '--to', '2019-03-01']
/** The trips begin on the third of January, and end no sooner. */
const DAYS = 57
const WHY = ['--reason', 'trips for nothing were counted', '--by', 'ann']
const COUNTED = [
  's3.getRequests',
  's3.putRequests',
  'glue.requests',
  'dynamodb.readUnits',
  'dynamodb.writeUnits',
  'lambda.requests',
  'states.transitions',
] as const

interface Status {
  readonly state: string
  readonly chunksDone: number
  readonly check: {
    readonly rowsBefore: number
    readonly rowsAfter: number
    readonly rowsAdded: number
  }
  readonly approval: { readonly by: string; readonly reason: string } | null
  readonly spent: Readonly<Record<string, number>>
  readonly spentUsd: number
  readonly failure: unknown
}

let cell: LocalCell
let functions: ReadonlyMap<string, string>

beforeAll(async () => {
  const contract = await readFile(join(root, 'products/trips/contract.yaml'), 'utf8')
  // Trips come in any order within the two months; once an event of May is there, those that come then are too late.
  const terms = {
    allowedLatenessSeconds: 0,
    outOfOrdernessSeconds: 62 * 86_400,
    stateRetentionDays: 36_500,
    backfillApprovalCents: 0,
  }
  const own = Object.entries(terms)
    .map(([name, value]) => `  - property: weir.${name}\n    value: ${value}\n`)
    .join('')
  cell = await LocalCell.start(
    contract.replace('customProperties:\n', `customProperties:\n${own}`),
    { 'products/trips/features.ts': VIEW },
  )
  const { Stacks } = await new CloudFormationClient(settings()).send(
    new DescribeStacksCommand({ StackName: `weir-${LocalCell.region}-trips` }),
  )
  functions = new Map(Stacks![0]!.Outputs!.map((one) => [one.OutputKey!, one.OutputValue!]))
}, 120_000)
afterAll(() => cell?.stop())

const settings = () => clientConfig({ region: LocalCell.region })

async function ring(name: string): Promise<void> {
  const { FunctionError: failed, Payload: answer } = await new LambdaClient(settings()).send(
    new InvokeCommand({
      FunctionName: functions.get(name)!,
      Payload: Buffer.from('{"bell":"sweep"}'),
    }),
  )
  expect([name, failed, failed && Buffer.from(answer!).toString()]).toEqual([
    name,
    undefined,
    undefined,
  ])
}

async function send(name: string, trips: readonly string[]): Promise<void> {
  const file = join(cell.project.root, `${name}.ndjson`)
  await writeFile(file, `${trips.join('\n')}\n`)
  await cell.weir('send', 'trips', file)
  await cell.weir('wait', 'trips')
}

/** A day from the third of January to the end of February. */
const day = (at: number) => new Date(Date.UTC(2019, 0, 3 + at)).toISOString().slice(0, 10)

async function answers(): Promise<readonly (readonly unknown[])[]> {
  const sql =
    'select pickup_location_id, window_start, revision, computed_at, trip_count, fare_sum from trips_zone_fares_v2 order by 1, 2'
  return (await cell.weir<{ rows: unknown[][] }>('query', sql)).rows
}

const status = (id: string) => cell.weir<Status>('backfill', 'status', id)

/** Asks until the answer is as it should be. */
const settled = <Answer>(ask: () => Promise<Answer>) =>
  vi.waitFor(ask, { timeout: 30_000, interval: 300 })

async function reached(id: string, state: string): Promise<Status> {
  return settled(async () => {
    const now = await status(id)
    expect([now.state, now.failure]).toEqual([state, null])
    return now
  })
}

it('two months are backfilled with a corrected definition: priced, refused, approved, published, taken back', async () => {
  const trips = Array.from({ length: DAYS }, (_, at) => [
    tripText({ id: `a${at}`, zone: 236, dropoff: `${day(at)} 09:00:00` }),
    tripText({ id: `b${at}`, zone: 237, fare: '1.00', dropoff: `${day(at)} 10:00:00` }),
    tripText({ id: `c${at}`, zone: 237, fare: '20.00', dropoff: `${day(at)} 11:00:00` }),
  ])
  await send('trips', trips.flat())
  // Of many zones, so that either shard has one.
  const zones = Array.from({ length: 20 }, (_, at) => 10 * at + 1)
  await send(
    'end',
    zones.map((zone) => tripText({ id: `end-${zone}`, zone, dropoff: '2019-05-10 00:00:00' })),
  )
  await send(
    'late',
    Array.from({ length: DAYS }, (_, at) =>
      tripText({ id: `l${at}`, zone: 100, dropoff: `${day(at)} 12:00:00` }),
    ),
  )
  // The minute's sweep may be at it, too: then whoever comes second finds nothing to do yet.
  const before = await settled(async () => {
    await ring('UpdateWindowsFunction')
    await ring('FinalizeWindowsFunction')
    const rows = await answers()
    expect(rows).toHaveLength(2 * DAYS)
    return rows
  })

  const { plan } = await cell.weir<{
    plan: { chunks: number; needsApproval: boolean; units: Record<string, number>; usd: object }
  }>('backfill', 'plan', 'zone-fares', ...RANGE)
  expect(plan).toMatchObject({ needsApproval: true, approveAboveUsd: 0 })

  const start = (...more: string[]) =>
    cell.weir<{ id: string; state: string }>(
      'backfill',
      'start',
      'zone-fares',
      ...RANGE,
      ...WHY,
      ...more,
    )
  const refused = await start('--label', 'first try')
  await reached(refused.id, 'waiting')
  await cell.weir(
    'backfill',
    'approve',
    refused.id,
    '--refuse',
    '--reason',
    'not now',
    '--by',
    'bob',
  )
  await reached(refused.id, 'refused')
  expect(await answers()).toEqual(before)

  const { id } = await start()
  expect(await start()).toMatchObject({ id, isNew: false })
  await reached(id, 'waiting')
  await cell.weir('backfill', 'approve', id, '--reason', 'agreed', '--by', 'bob')
  const done = await reached(id, 'published')
  expect(done).toMatchObject({
    check: { rowsBefore: 2 * DAYS, rowsAfter: 3 * DAYS, rowsAdded: DAYS, rowsGone: 0 },
    approval: { by: 'bob', reason: 'agreed' },
    chunksDone: plan.chunks,
  })
  const after = await answers()
  expect(after).toHaveLength(3 * DAYS)
  expect(after.filter((row) => row[0] !== 100)).toEqual(before)

  const ended = await settled(async () => {
    const now = await status(id)
    expect(now.spent['states.transitions']).toBeGreaterThan(8)
    return now
  })
  const total = (units: Readonly<Record<string, number>>) =>
    COUNTED.reduce((sum, meter) => sum + (units[meter] ?? 0), 0)
  expect(total(plan.units) / total(ended.spent)).toBeGreaterThan(1 / 1.5)
  expect(total(plan.units) / total(ended.spent)).toBeLessThan(1.5)

  await cell.weir('backfill', 'rollback', id, '--reason', 'as it was', '--by', 'ann')
  expect(await answers()).toEqual(before)
  const { backfills } = await cell.weir<{ backfills: { id: string; state: string }[] }>(
    'backfill',
    'history',
    'zone-fares',
  )
  expect(backfills.map((one) => [one.id, one.state])).toEqual([
    [id, 'rolledBack'],
    [refused.id, 'refused'],
  ])
}, 180_000)
