import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation'
import {
  type AttributeValue,
  DynamoDBClient,
  paginateScan,
  ScanCommand,
} from '@aws-sdk/client-dynamodb'
import { KinesisClient, UpdateShardCountCommand } from '@aws-sdk/client-kinesis'
import {
  LambdaClient,
  ListEventSourceMappingsCommand,
  UpdateEventSourceMappingCommand,
} from '@aws-sdk/client-lambda'
import {
  CopyObjectCommand,
  DeleteObjectCommand,
  ListObjectsV2Command,
  S3Client,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { clientConfig } from '#lib/adapters/aws/client-config.ts'
import { IcebergReaders } from '#test/support/iceberg-readers.ts'
import { StateMachine } from '#test/support/state-machine.ts'
import { storedCount, storedSum } from '#test/support/stored-states.ts'
import { FEBRUARY, JANUARY, tripsOracle } from '#test/support/trips-oracle.ts'
import { weirJson } from '#test/support/weir.ts'

const EAST = 'us-east-1'
const WEST = 'eu-west-1'

interface Sent {
  sent: number
  unique: number
  accepted: number
  failed: number
}
interface Answer {
  columns: string[]
  rows: (string | number | null)[][]
}

const query = (sql: string, region = EAST) =>
  weirJson<Answer>(['query', sql, '--region', region]).then((answer) => answer.rows)

describe('a month of real trips, with resends and disorder, sent to one of two cells', () => {
  const oracle = tripsOracle(JANUARY)
  let sent: Sent
  beforeAll(async () => {
    sent = await weirJson<Sent>([
      'send',
      'trips',
      JANUARY,
      '--region',
      EAST,
      '--duplicate',
      '0.02',
      '--shuffle',
      '30s',
      '--seed',
      '7',
    ])
    await weirJson(['wait', 'trips', '--region', EAST, '--events', String(oracle.accepted)])
    // Resends may still be on their way: they add nothing to the table, but they are in raw.
    await weirJson(['wait', 'trips', '--region', EAST])
  })

  it('was sent whole', () => {
    expect(sent.unique).toBe(oracle.rows)
    expect(sent.sent).toBeGreaterThan(oracle.rows)
    expect(sent.accepted).toBe(sent.sent)
    expect(sent.failed).toBe(0)
  })

  it('is in the table exactly once, to the cent', async () => {
    const rows = await query(
      'select count(*), count(distinct event_id), sum(total_amount) from trips',
    )

    const dollars = `${Math.floor(oracle.totalCents / 100)}.${String(oracle.totalCents % 100).padStart(2, '0')}`
    expect(rows).toEqual([[oracle.accepted, oracle.accepted, dollars]])
  })

  it('is in raw as often as it was sent', async () => {
    expect(await query('select count(*) from trips_raw')).toEqual([[sent.sent]])
    expect(
      await query(
        'select count(*) from (select distinct shard, sequence_number, event_index from trips_raw)',
      ),
    ).toEqual([[sent.sent]])
  })

  it('has its rejected rows in quarantine, with the reason', async () => {
    expect(await query('select count(*) from trips_quarantine')).toEqual([[oracle.rejected]])
    const listed = await weirJson<{ rows: { reason: string; id: string }[] }>([
      'quarantine',
      'list',
      'trips',
      '--region',
      EAST,
    ])

    expect(listed.rows).toHaveLength(oracle.rejected)
    for (const row of listed.rows) expect(row.reason).toMatch(/fare_amount|total_amount/)
  })

  it('balances', async () => {
    const report = await weirJson<Record<string, number | boolean>>([
      'reconcile',
      'trips',
      '--region',
      EAST,
    ])

    expect(report).toMatchObject({
      received: sent.sent,
      raw: sent.sent,
      admitted: oracle.accepted,
      curated: oracle.accepted,
      rejected: oracle.rejected,
      quarantined: oracle.rejected,
      duplicate: sent.sent - oracle.rows,
      balanced: true,
    })
  })

  it('balances too beside quarantine that no batch names, and does not list it', async () => {
    const s3 = new S3Client(clientConfig({ region: EAST }))
    const { TripsBucket: Bucket } = await outputs(EAST)
    const listed = await s3.send(new ListObjectsV2Command({ Bucket, Prefix: 'quarantine/' }))
    const named = listed.Contents![0]!.Key!
    const Key = named.replace(/-\w+\.parquet$/, '-0000000000000000.parquet')
    await s3.send(new CopyObjectCommand({ Bucket, Key, CopySource: `${Bucket}/${named}` }))

    const region = ['--region', EAST]
    expect(await weirJson(['quarantine', 'list', 'trips', ...region])).toMatchObject({
      total: oracle.rejected,
    })
    expect(await weirJson(['reconcile', 'trips', ...region])).toMatchObject({
      quarantined: oracle.rejected,
      balanced: true,
    })
    type Status = { cells: { products: { product: string }[] }[] }
    const { cells } = await weirJson<Status>(['status', '--regions', EAST])
    expect(cells[0]!.products.find(({ product }) => product === 'trips')).toMatchObject({
      quarantined: oracle.rejected,
      waiting: [],
    })
    await s3.send(new DeleteObjectCommand({ Bucket, Key }))
  })

  it('is read the same by PyIceberg and DuckDB', async () => {
    const readers = await IcebergReaders.start()
    try {
      const { pyiceberg, duckdb } = await readers.read({
        database: 'weir',
        name: 'trips',
        columns: ['congestion_surcharge'],
        sums: ['total_amount', 'fare_amount'],
        extremes: ['dropoff_datetime'],
        where: "dropoff_datetime >= TIMESTAMPTZ '2019-01-15 00:00:00+00'",
        rowFilter: "dropoff_datetime >= '2019-01-15T00:00:00+00:00'",
      })

      expect(pyiceberg).toEqual(duckdb)
      expect(pyiceberg.rows).toBe(oracle.accepted)
      expect(Math.round(Number(pyiceberg.total_amount_sum) * 100)).toBe(oracle.totalCents)
    } finally {
      readers.stop()
    }
  })

  it('has every window as the file has it', async () => {
    await expect
      .poll(() => allWindows(EAST), { timeout: 120_000, interval: 1000 })
      .toEqual(oracle.windows)
  })

  it('serves a window as a feature', async () => {
    const [id, expected] = [...oracle.windows].find(([, one]) => one.trips > 3)!
    const [zone, start] = id.split(' ')

    const answer = await weirJson<{ values: Record<string, number>; window: { start: string } }>([
      'features',
      'get',
      'zone-fares',
      zone!,
      '--region',
      EAST,
      '--at',
      start!,
    ])

    expect(answer.window.start).toBe(start)
    expect(answer.values.trip_count).toBe(expected.trips)
    expect(Math.round(answer.values.fare_sum! * 100)).toBe(expected.fareCents)
    expect(answer.values.fare_mean).toBeCloseTo(expected.fareCents / 100 / expected.trips, 9)
  })

  it('is published by the state machine, killed and resumed, as if it had not been', async () => {
    const [{ PublishMachine }, { PublishFeaturesFunction }] = await Promise.all([
      outputs(EAST, 'ops'),
      outputs(EAST, 'trips'),
    ])
    const machine = new StateMachine(PublishMachine!, EAST)
    const input = { function: PublishFeaturesFunction, by: 'tests', cut: '2019-01-16T00:00:00Z' }
    for (const state of ['Compute', 'Write', 'Point']) {
      const killed = await machine.start(`killed-at-${state}`, { ...input, run: 'nightly' })
      await machine.until(killed, state)
      await machine.stop(killed).catch(() => undefined)
    }
    const resumed = await machine.until(
      await machine.start('resumed', { ...input, run: 'nightly' }),
    )
    expect(resumed).toMatchObject({ status: 'SUCCEEDED' })
    const whole = await machine.until(await machine.start('whole', input))
    expect(whole).toMatchObject({ status: 'SUCCEEDED' })

    const buffers = await bufferItems(EAST)
    expect(buffers.get('a')!.length).toBeGreaterThan(100)
    expect(buffers.get('b')).toEqual(buffers.get('a'))
  })

  it('serves what was published; a rollback brings the one before back', async () => {
    const features = <Answer>(...args: readonly string[]) =>
      weirJson<Answer>(['features', ...args, '--region', EAST])
    type Published = { views: Record<string, { live: { run: string } }> }
    const live = async () =>
      (await features<Published>('publications', 'trips')).views['zone-fares']!.live.run
    // The newest window before the cut: its zone has none between it and the cut.
    const [newest] = [...oracle.windows]
      .map(([id, { trips }]) => ({ zone: id.split(' ')[0]!, start: id.split(' ')[1]!, trips }))
      .filter(({ start }) => start < '2019-01-16')
      .sort((a, b) => (a.start < b.start ? 1 : -1))
    const { zone, start, trips } = newest!
    const at = (time: string) =>
      features<{ source: string; window: { start: string }; values: Record<string, number> }>(
        'get',
        ...['zone-fares', zone, '--at', time],
      )

    const atCut = await at('2019-01-16T00:00:00Z')
    expect(atCut).toMatchObject({
      source: 'batch',
      window: { start },
      values: { trip_count: trips },
    })

    expect(await live()).toBe('whole')
    await features('rollback', 'zone-fares', '--reason', 'a test')
    expect(await live()).toBe('nightly')
    expect(await at('2019-01-16T00:00:00Z')).toMatchObject({ values: atCut.values })
    const { records } = await features<{ records: { kind: string; reason?: string }[] }>(
      'readiness',
      'zone-fares',
    )
    expect(records[0]).toMatchObject({ kind: 'rolledBack', reason: 'a test' })
    expect(records.map(({ kind }) => kind)).toContain('published')
  })

  it('changes nothing when the whole file is sent again', async () => {
    const again = await weirJson<Sent>(['send', 'trips', JANUARY, '--region', EAST])
    await until(async () => {
      const report = await weirJson<{ received: number; balanced: boolean }>([
        'reconcile',
        'trips',
        '--region',
        EAST,
      ]).catch(() => undefined)
      return report?.balanced === true && report.received === sent.sent + again.sent
    })

    expect(await query('select count(*) from trips')).toEqual([[oracle.accepted]])
    await expect
      .poll(() => allWindows(EAST), { timeout: 120_000, interval: 1000 })
      .toEqual(oracle.windows)
  })

  it('changes nothing when the stream is resharded and the file is sent once more', async () => {
    const before = await weirJson<{ received: number }>(['reconcile', 'trips', '--region', EAST])
    const { TripsStreamName } = await outputs(EAST)
    await new KinesisClient(clientConfig({ region: EAST })).send(
      new UpdateShardCountCommand({
        StreamName: TripsStreamName,
        TargetShardCount: 4,
        ScalingType: 'UNIFORM_SCALING',
      }),
    )
    const again = await weirJson<Sent>(['send', 'trips', JANUARY, '--region', EAST])
    await weirJson(['wait', 'trips', '--region', EAST])

    const after = await weirJson(['reconcile', 'trips', '--region', EAST])
    expect(after).toMatchObject({
      received: before.received + again.sent,
      admitted: oracle.accepted,
      balanced: true,
    })
  })

  it('leaves no trace in the other cell', async () => {
    const stack = await outputs(WEST)
    const s3 = new S3Client(clientConfig({ region: WEST }))
    const listed = await s3.send(new ListObjectsV2Command({ Bucket: stack.TripsBucket! }))
    const keys = (listed.Contents ?? []).map((object) => object.Key!)

    expect(keys.filter((key) => !key.startsWith('table/trips/metadata/'))).toEqual([])
    expect(await query('select count(*) from trips', WEST)).toEqual([[0]])
    expect(await allWindows(WEST)).toEqual(new Map())
  })

  describe('with the functions of that cell stopped', () => {
    beforeAll(() => setMappings(EAST, false))
    afterAll(() => setMappings(EAST, true))

    it('the other cell goes on as ever', async () => {
      const february = tripsOracle(FEBRUARY)

      await weirJson(['send', 'trips', FEBRUARY, '--region', WEST, '--shuffle', '30s'])
      await weirJson(['wait', 'trips', '--region', WEST, '--events', String(february.accepted)])

      expect(await query('select count(*) from trips', WEST)).toEqual([[february.accepted]])
      expect(await query('select count(*) from trips', EAST)).toEqual([[oracle.accepted]])
    })
  })
})

async function outputs(region: string, stack = 'state'): Promise<Record<string, string>> {
  const client = new CloudFormationClient(clientConfig({ region }))
  const { Stacks } = await client.send(
    new DescribeStacksCommand({ StackName: `weir-${region}-${stack}` }),
  )
  const found = Stacks?.[0]?.Outputs ?? []
  return Object.fromEntries(found.map((one) => [one.OutputKey!, one.OutputValue!]))
}

/** Every window of every zone's fares, merged over shards, straight from the slots. */
async function allWindows(region: string) {
  const client = new DynamoDBClient(clientConfig({ region }))
  const { TripsSlotsTable } = await outputs(region)
  const windows = new Map<string, { trips: number; fareCents: number }>()
  let from: Record<string, never> | undefined
  do {
    const page = await client.send(
      new ScanCommand({ TableName: TripsSlotsTable!, ExclusiveStartKey: from }),
    )
    for (const item of page.Items ?? []) {
      if (!item.pk!.S!.startsWith('slot#zone-fares#')) continue
      const zone = item.pk!.S!.split('#')[2]
      const id = `${zone} ${item.sk!.S!.split('#')[0]}`
      const states = JSON.parse(item.states!.S!)
      const window = windows.get(id) ?? { trips: 0, fareCents: 0 }
      window.trips += storedCount(states.trip_count)
      window.fareCents += Number(storedSum(states.fare_sum))
      windows.set(id, window)
    }
    from = page.LastEvaluatedKey as typeof from
  } while (from !== undefined)
  return windows
}

/** What stands in each buffer, but for what tells two runs apart. */
async function bufferItems(region: string) {
  const client = new DynamoDBClient(clientConfig({ region }))
  const { TripsFeaturesTable } = await outputs(region)
  const items: Record<string, AttributeValue>[] = []
  for await (const { Items = [] } of paginateScan({ client }, { TableName: TripsFeaturesTable! })) {
    items.push(...Items.filter(({ pk }) => /^[ab]#/.test(pk!.S!)))
  }
  const byBuffer = Map.groupBy(items, ({ pk }) => pk!.S![0]!)
  return new Map(
    [...byBuffer].map(([buffer, some]) => {
      const lines = some.map(({ pk, sk, result, values }) => {
        const [cut, , ...rest] = JSON.parse(result!.S!) as unknown[]
        return JSON.stringify([pk!.S!.slice(2), sk, cut, rest, values])
      })
      return [buffer, lines.sort()] as const
    }),
  )
}

async function setMappings(region: string, enabled: boolean): Promise<void> {
  const client = new LambdaClient(clientConfig({ region }))
  const { EventSourceMappings } = await client.send(new ListEventSourceMappingsCommand({}))
  for (const { UUID, FunctionArn } of EventSourceMappings ?? []) {
    if (!FunctionArn!.includes(`:${region}:`)) continue
    await client.send(new UpdateEventSourceMappingCommand({ UUID, Enabled: enabled }))
  }
}

async function until(reached: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 90_000
  while (!(await reached())) {
    if (Date.now() > deadline) throw new Error('not reached within 90 s')
    await new Promise((resolve) => setTimeout(resolve, 1000))
  }
}
