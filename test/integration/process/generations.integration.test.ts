import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { GlueClient } from '@aws-sdk/client-glue'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { clientConfig } from '#lib/adapters/aws/client-config.ts'
import { GlueCatalog } from '#lib/adapters/glue/glue-catalog.ts'
import { ProjectCopy } from '#test/support/project-copy.ts'
import { tripText } from '#test/support/trip-events.ts'

const REGION = ['--region', 'us-east-1']
const HOUR_MS = 3_600_000
/** The beginning of an hour that is over by far more than what windows wait for. */
const HOUR = Math.floor(Date.now() / HOUR_MS) * HOUR_MS - 4 * HOUR_MS

let project: ProjectCopy
let sent = 0

beforeAll(async () => {
  project = await ProjectCopy.create()
  const file = join(project.root, 'products/trips/contract.yaml')
  const lateness = '  - property: weir.allowedLatenessSeconds\n    value: 0\n'
  const shards = '  - property: weir.shards\n    value: '
  const contract = await readFile(file, 'utf8')
  await writeFile(file, contract.replace(`${shards}2`, `${lateness}${shards}1`))
  await project.weirJson('up', '--auth', '--regions', 'us-east-1')
}, 300_000)
afterAll(() => project?.remove())

interface Features {
  generation: string
  values: Record<string, number>
}

const features = (hours = 0) =>
  project.weirJson<Features>(
    'features',
    ...['get', 'zone-fares', '236', '--at', new Date(HOUR + hours * HOUR_MS + 1).toISOString()],
    ...REGION,
  )
const replay = <Answer = Record<string, unknown>>(...args: string[]) =>
  project.weirJson<Answer>('replay', ...args, ...REGION)

interface Trip {
  readonly hours: number
  readonly fare: string
}

async function send(...trips: readonly Trip[]): Promise<void> {
  const lines = trips.map(({ hours, fare }) =>
    tripText({
      id: `trip-${sent++}`,
      fare,
      dropoff: newYorkTime(HOUR + hours * HOUR_MS + sent * 1_000),
    }),
  )
  const file = join(project.root, 'trips.ndjson')
  await writeFile(file, `${lines.join('\n')}\n`)
  await project.weirJson('send', 'trips', file, ...REGION)
  await project.weirJson('wait', 'trips', ...REGION)
}

/** As the product has its times: wall clock, no offset. */
function newYorkTime(ms: number): string {
  return new Intl.DateTimeFormat('sv-SE', {
    timeZone: 'America/New_York',
    dateStyle: 'short',
    timeStyle: 'medium',
  }).format(ms)
}

async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 100_000
  while (!(await isSo())) {
    if (Date.now() > deadline) throw new Error(`never: ${what}`)
    await sleep(500)
  }
}

/** The mean of fares becomes the greatest fare, under the same name. */
async function redefine(): Promise<void> {
  const file = join(project.root, 'products/trips/features.ts')
  const text = await readFile(file, 'utf8')
  await writeFile(file, text.replace("function: 'mean'", "function: 'max'"))
}

it('features are computed anew beside the old ones, compared, switched to and back', async () => {
  await send({ hours: 0, fare: '10.00' }, { hours: 0, fare: '20.00' }, { hours: 2, fare: '5.00' })
  await until('the first generation has the trips', async () => {
    return (await features()).values.trip_count === 2
  })

  // The same definitions: equal, slots and final rows.
  const first = await replay<{ events: number; eventsPerSecond: number }>(
    ...['trips', '--into', 'v2'],
  )
  expect(first).toMatchObject({ generation: 'v2', from: null, events: 3 })
  expect(first.eventsPerSecond).toBeGreaterThan(0)
  expect(await replay('trips', '--into', 'v2')).toMatchObject({ events: 0 })
  await until('windows of the first generation are closed', async () => {
    const { finalRows } = (await replay<Comparison>('compare', 'trips', 'v2')).views[0]!
    return (finalRows?.equal ?? 0) > 0
  })
  expect(await replay('compare', 'trips', 'v2')).toMatchObject({
    equal: true,
    left: 'v1',
    views: [{ view: 'zone-fares', slots: { equal: 2, moving: 0 }, finalRows: { equal: 1 } }],
    differences: [],
  })

  // Readers change over, the generation goes on with the stream, and back.
  expect(await replay('switch', 'trips', 'v2')).toMatchObject({ from: 'v1', isSwitched: true })
  await until('features are answered from v2', async () => {
    return (await features()).generation === 'v2'
  })
  expect((await features()).values).toMatchObject({ trip_count: 2, fare_mean: 15 })
  const sql = 'select pickup_location_id, trip_count from {zone-fares}'
  expect(await project.weirJson('query', sql, ...REGION)).toMatchObject({ rows: [[236, 2]] })
  await send({ hours: 3, fare: '8.00' })
  await until('v2 has what came since', async () => (await features(3)).values.trip_count === 1)
  expect((await features(3)).generation).toBe('v2')
  expect(await replay('switch', 'trips', 'v1')).toMatchObject({ from: 'v2', isSwitched: true })
  await until('features are answered from v1', async () => {
    return (await features(3)).generation === 'v1'
  })
  expect((await features(3)).values.trip_count).toBe(1)

  // Another definition under the same name, before and after it is deployed.
  await redefine()
  const refused = await project.weir('replay', 'trips', '--into', 'v2', ...REGION)
  expect(refused).toMatchObject({ exitCode: 1, stdout: '' })
  expect(refused.stderr).toMatch(/^weir: generation v2 was begun with another definition/)
  await replay('trips', '--into', 'v3')
  expect(await replay('compare', 'trips', 'v3')).toMatchObject({
    equal: true,
    views: [{ aggregates: ['trip_count', 'fare_sum'], redefined: ['fare_mean'] }],
  })
  await replay('switch', 'trips', 'v3')
  await until('features are answered from v3', async () => {
    return (await features()).generation === 'v3'
  })
  expect((await features()).values.fare_mean).toBe(20)
  await project.weirJson('up', '--auth', '--regions', 'us-east-1')
  await send({ hours: 3, fare: '9.00' })
  await until('v3 has what came since', async () => (await features(3)).values.trip_count === 2)
  expect((await features(3)).values).toMatchObject({ fare_mean: 9, fare_sum: 17 })
  await replay('switch', 'trips', 'v1')
  await until('features are answered from v1, by its own definition', async () => {
    const { generation, values } = await features(3)
    return generation === 'v1' && values.fare_mean === 8.5
  })

  const listed = await replay<{ generations: { name: string; state: string }[] }>('list', 'trips')
  expect(listed).toMatchObject({ live: 'v1', switches: { length: 4 } })
  expect(await replay('drop', 'trips', 'v2')).toMatchObject({ tables: 1 })
  expect(await replay('drop', 'trips', 'v2')).toMatchObject({ items: 0, tables: 0, objects: 0 })
  const catalog = new GlueCatalog({
    client: new GlueClient({
      ...clientConfig({ region: 'us-east-1' }),
      endpoint: `http://127.0.0.1:${project.environment.WEIR_PORT}`,
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    }),
  })
  const table = (name: string) => catalog.load({ database: 'weir', name })
  expect(await table('trips_zone_fares__v2')).toBeUndefined()
  expect(await table('trips_zone_fares__v3')).toBeDefined()
  const unknown = await project.weir('replay', 'switch', 'trips', 'v9', ...REGION)
  expect([unknown.exitCode, unknown.stderr]).toEqual([
    1,
    'weir: unknown generation "v9": known are v1, v2, v3\n',
  ])
}, 600_000)

interface Comparison {
  views: { finalRows: { equal: number } | null }[]
}
