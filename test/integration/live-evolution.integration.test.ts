import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { KinesisClient, ListStreamsCommand } from '@aws-sdk/client-kinesis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { clientConfig } from '#lib/adapters/aws/client-config.ts'
import type { ContractSource } from '#lib/domain/contract/contract-source.ts'
import { type EngineAnswer, IcebergReaders } from '#test/support/iceberg-readers.ts'
import { ProjectCopy } from '#test/support/project-copy.ts'
import { SteadySender } from '#test/support/steady-sender.ts'
import { TRIP_TYPE, tripText } from '#test/support/trip-events.ts'
import { RENAMED, tripsVersion, WIDER } from '#test/support/trips-versions.ts'

const REGION = 'us-east-1'
/** Half of the trips: its key is spread over several slots. */
const HOT_ZONE = 236
const WINDOW = '2019-01-03T14:00:00.000Z'

/** Stated by every version: the old producer declares none, and a hot zone shares several slots. */
const SPREAD = [
  '  - property: weir.shards\n',
  '  - property: weir.spread\n    value: 4\n  - property: weir.shards\n',
] as const
const UNDECLARED = [
  '  - property: weir.shards\n',
  '  - property: weir.undeclaredMajor\n    value: 1\n  - property: weir.shards\n',
] as const
const V1 = tripsVersion('1.0.0', SPREAD)
const V11 = tripsVersion('1.1.0', SPREAD, ...WIDER)
const V2 = tripsVersion('2.0.0', SPREAD, UNDECLARED, ...WIDER, ...RENAMED)
const V201 = tripsVersion('2.0.1', SPREAD, UNDECLARED, ...WIDER, ...RENAMED)

type Trip = Record<string, unknown> & { pickup_location_id: number }

const zoneOf = (index: number) => (index % 2 === 0 ? HOT_ZONE : 1 + (index % 200))
const oldTrip = (index: number) =>
  (JSON.parse(tripText({ id: '', zone: zoneOf(index) })) as { data: Trip }).data
const widerTrip = (index: number): Trip => {
  return { ...oldTrip(index), vendor_id: 5_000_000_000, airport_fee: 1.25 }
}
const youngTrip = (index: number): Trip => {
  const { fare_amount: fare, ...trip } = widerTrip(index)
  return { ...trip, fare }
}

interface Rows {
  rows: (string | number | null)[][]
}

let project: ProjectCopy
let readers: IcebergReaders
const environment = { ...process.env }

const weir = <Answer>(...args: string[]) => project.weirJson<Answer>(...args, '--region', REGION)
const query = async (sql: string) => (await weir<Rows>('query', sql)).rows
const idsIn = async (table: string) =>
  (await query(`select event_id from ${table} order by 1`)).map(([id]) => id)

async function deploy(contract: ContractSource, past?: ContractSource): Promise<void> {
  const folder = join(project.root, 'products/trips')
  await mkdir(join(folder, 'past-contracts'), { recursive: true })
  if (past !== undefined) {
    await writeFile(join(folder, `past-contracts/${past.contract.version}.yaml`), past.text)
  }
  await writeFile(join(folder, 'contract.yaml'), contract.text)
  await project.weirJson('up', '--auth', '--regions', REGION)
}

/** The view stays with the first major, as its owner states before a second one comes. */
async function keepViewOnFirstMajor(): Promise<void> {
  const file = join(project.root, 'products/trips/features.ts')
  const text = await readFile(file, 'utf8')
  await writeFile(file, text.replace("name: 'zone-fares',", "name: 'zone-fares', major: 1,"))
}

async function streamName(): Promise<string> {
  const kinesis = new KinesisClient(clientConfig({ region: REGION }))
  const { StreamNames: [name] = [] } = await kinesis.send(new ListStreamsCommand({}))
  return name!
}

function readTrips(
  name: string,
  columns: readonly string[],
  sums: readonly string[],
  snapshot?: string,
) {
  return readers.read({
    database: 'weir',
    name,
    columns,
    sums,
    extremes: ['event_id'],
    where: 'vendor_id > 4000000000',
    rowFilter: 'vendor_id > 4000000000',
    ...(snapshot === undefined ? {} : { snapshot }),
  })
}

/** The table as engines see it at one moment. */
interface Moment {
  readonly columns: readonly string[]
  readonly sums: readonly string[]
  readonly snapshot: string
  readonly seen: EngineAnswer
}

async function momentOf(columns: readonly string[], sums: readonly string[]): Promise<Moment> {
  const { snapshots, pyiceberg, duckdb } = await readTrips('trips', columns, sums)
  expect(duckdb).toEqual(pyiceberg)
  return { columns, sums, snapshot: snapshots.at(-1)![0], seen: pyiceberg }
}

afterAll(async () => {
  process.env = environment
  readers?.stop()
  await project?.remove()
})

describe('a contract that goes from 1.0 over 1.1 to 2.0 while old and new producers send', () => {
  const senders: SteadySender<Trip>[] = []
  const start = async (name: string, dataOf: (index: number) => Trip, dataschema?: string) => {
    const sender = new SteadySender<Trip>(
      name,
      {
        streamName: await streamName(),
        region: REGION,
        type: TRIP_TYPE,
        source: '/nyc-tlc/yellow',
        partitionKey: 'pickup_location_id',
        spread: 4,
        ...(dataschema === undefined ? {} : { dataschema }),
      },
      dataOf,
    )
    senders.push(sender)
    return sender
  }
  let old: SteadySender<Trip>
  let wider: SteadySender<Trip>
  let young: SteadySender<Trip>
  const moments: Moment[] = []

  beforeAll(async () => {
    project = await ProjectCopy.create()
    await keepViewOnFirstMajor()
    await deploy(V1)
    process.env.AWS_ENDPOINT_URL = `http://127.0.0.1:${project.environment.WEIR_PORT}`
    readers = await IcebergReaders.start()
    old = await start('old', oldTrip)
    await weir('wait', 'trips', '--events', '100')
    moments.push(await momentOf(['fare_amount'], ['vendor_id', 'fare_amount']))
    await deploy(V11, V1)
    wider = await start('wider', widerTrip, 'urn:weir:trips:1.1')
    await weir('wait', 'trips', '--events', String(old.ids.length + 200))
    moments.push(await momentOf(['fare_amount', 'airport_fee'], ['vendor_id', 'airport_fee']))
    await deploy(V2, V11)
    young = await start('young', youngTrip, 'urn:weir:trips:2')
    // What old producers sent is sent again by the new one, in its own form: the same events all the same.
    const again = [...old.ids.slice(0, 20), ...wider.ids.slice(0, 20)]
    await young.sendAgain(again, (id) => youngTrip(Number(id.split('-')[1])))
    await wider.stop()
    await deploy(V201, V2)
    await Promise.all([old.stop(), young.stop()])
    await weir('wait', 'trips')
  }, 600_000)
  afterAll(() => Promise.all(senders.map((sender) => sender.stop())))

  it('loses and doubles none: each event stands in one table, that of its major', async () => {
    expect(await idsIn('trips')).toEqual([...old.ids, ...wider.ids].sort())
    expect(await idsIn('trips_v2')).toEqual([...young.ids].sort())
  })

  it('balances, with every resend a duplicate', async () => {
    const unique = old.ids.length + wider.ids.length + young.ids.length
    const resent = old.resent + wider.resent + young.resent
    expect(await weir('reconcile', 'trips')).toMatchObject({
      received: unique + resent,
      admitted: unique,
      curated: unique,
      duplicate: resent,
      rejected: 0,
      balanced: true,
    })
  })

  it('is one table for both versions of a major, old files with nulls and in the wider type', async () => {
    const [olds, widers] = [old.ids.length, wider.ids.length]
    const { pyiceberg, duckdb } = await readTrips(
      'trips',
      ['airport_fee', 'vendor_id', 'fare_amount'],
      ['airport_fee', 'vendor_id', 'fare_amount'],
    )

    expect(pyiceberg).toMatchObject({
      rows: olds + widers,
      airport_fee_nulls: olds,
      vendor_id_nulls: 0,
      airport_fee_sum: dollars(widers * 125),
      vendor_id_sum: String(olds + widers * 5_000_000_000),
      fare_amount_sum: dollars((olds + widers) * 1_050),
      filtered_rows: widers,
    })
    expect(duckdb).toEqual(pyiceberg)
    expect(await query('select count(airport_fee), sum(vendor_id) from trips')).toEqual([
      [widers, olds + widers * 5_000_000_000],
    ])
  })

  it('is a table of its own for the new major, side by side with the old one', async () => {
    const { pyiceberg, duckdb } = await readTrips('trips_v2', ['fare'], ['fare', 'airport_fee'])

    expect(pyiceberg).toMatchObject({
      rows: young.ids.length,
      fare_nulls: 0,
      fare_sum: dollars(young.ids.length * 1_050),
      airport_fee_sum: dollars(young.ids.length * 125),
      filtered_rows: young.ids.length,
    })
    expect(duckdb).toEqual(pyiceberg)
    expect(
      await query(
        'select sum(fare) from (select fare_amount as fare from trips union all select fare from trips_v2)',
      ),
    ).toEqual([[dollars((old.ids.length + wider.ids.length + young.ids.length) * 1_050)]])
  })

  it('has a history that every engine still reads as it was read then', async () => {
    for (const { columns, sums, snapshot, seen } of moments) {
      const { pyiceberg, duckdb } = await readTrips('trips', columns, sums, snapshot)
      const athena = await query(
        `select count(*), cast(sum(vendor_id) as varchar), max(event_id) from trips for version as of ${snapshot}`,
      )

      expect(pyiceberg).toEqual(seen)
      expect(duckdb).toEqual(seen)
      expect(athena).toEqual([[seen.rows, seen.vendor_id_sum, seen.event_id_max]])
    }
  })

  it('keeps the features of the old major, each event counted once', async () => {
    const hot = (ids: readonly string[]) => ids.filter((_, i) => zoneOf(i) === HOT_ZONE).length
    const answer = await weir<{ values: Record<string, number> }>(
      'features',
      'get',
      'zone-fares',
      String(HOT_ZONE),
      '--at',
      WINDOW,
    )

    expect(answer.values.trip_count).toBe(hot(old.ids) + hot(wider.ids))
  })
})

function dollars(cents: number): string {
  return `${Math.floor(cents / 100)}.${String(cents % 100).padStart(2, '0')}`
}
