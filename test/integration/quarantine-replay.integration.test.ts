import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { KinesisClient, ListStreamsCommand, PutRecordCommand } from '@aws-sdk/client-kinesis'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { clientConfig } from '#lib/adapters/aws/client-config.ts'
import { ProjectCopy } from '#test/support/project-copy.ts'
import { tripText } from '#test/support/trip-events.ts'

const REGION = ['--region', 'us-east-1']

interface Rows {
  rows: (string | number | null)[][]
}

let project: ProjectCopy
beforeAll(async () => {
  project = await ProjectCopy.create()
  await project.weirJson('up', '--regions', 'us-east-1')
})
afterAll(() => project?.remove())

const query = async (sql: string) => (await project.weirJson<Rows>('query', sql, ...REGION)).rows
const replay = (...args: string[]) =>
  project.weirJson<Record<string, unknown>>('quarantine', 'replay', 'trips', ...REGION, ...args)
const settle = () => project.weirJson('wait', 'trips', ...REGION)

it('rejected events are a table, and those that a mended contract takes are replayed once', async () => {
  await sendTrips()
  await settle()

  // What Athena says of them.
  expect(
    await query('select reason, path, count(*) from trips_quarantine group by 1, 2 order by 1'),
  ).toEqual([
    ['event.eventType', 'type', 1],
    ['fare_amount.belowMinimum', 'data.fare_amount', 2],
    ['undecodable.notJson', null, 1],
  ])
  expect(
    await query("select contract_version, event from trips_quarantine where event_id = 'low-1'"),
  ).toEqual([['1.0.0', expect.stringMatching(/^weir-sealed:/)]])

  // Today's contract is still the one that rejected them.
  const before = { considered: 4, alreadyAdmitted: 0, replayedBefore: 0, notYet: 0 }
  const left = { 'event.eventType': 1, 'undecodable.notJson': 1 }
  expect(await replay()).toMatchObject({
    ...before,
    sent: 0,
    left: { ...left, 'fare_amount.belowMinimum': 2 },
  })

  await mendContract()
  await project.weirJson('up', '--regions', 'us-east-1')
  expect(await replay('--dry-run')).toMatchObject({ ...before, dryRun: true, sent: 2, left })
  expect(await query('select count(*) from trips')).toEqual([[2]])

  expect(await replay('--limit', '1')).toMatchObject({ ...before, sent: 1, notYet: 1, left })
  expect(await replay('--reason', 'fare_amount.belowMinimum')).toMatchObject({
    considered: 2,
    sent: 1,
    replayedBefore: 1,
    left: {},
    contractVersion: '1.0.1',
  })
  await settle()
  const trips = await query('select event_id, fare_amount from trips order by 1')
  expect(trips).toEqual([
    ['good-1', '10.50'],
    ['good-2', '10.50'],
    ['low-1', '-5.00'],
    ['low-2', '-7.25'],
  ])

  // Twice gives the same, and every store agrees with every other.
  expect(await replay()).toMatchObject({ considered: 4, sent: 0, replayedBefore: 2, left })
  await settle()
  expect(await query('select event_id, fare_amount from trips order by 1')).toEqual(trips)
  expect(await project.weirJson('reconcile', 'trips', ...REGION)).toMatchObject({
    balanced: true,
    received: 8,
    admitted: 4,
    duplicate: 0,
    rejected: 4,
    quarantined: 4,
  })
}, 400_000)

async function sendTrips(): Promise<void> {
  const file = join(project.root, 'trips.ndjson')
  const trips = [
    tripText({ id: 'good-1' }),
    tripText({ id: 'low-1', fare: '-5.00' }),
    tripText({ id: 'low-2', fare: '-7.25' }),
    tripText({ id: 'other' }).replace('"type":"nyc.tlc.trip.completed"', '"type":"nyc.tlc.tram"'),
    tripText({ id: 'good-2' }),
  ]
  await writeFile(file, `${trips.join('\n')}\n`)
  await project.weirJson('send', 'trips', file, ...REGION)
  const kinesis = new KinesisClient({
    ...clientConfig({ region: 'us-east-1' }),
    endpoint: `http://127.0.0.1:${project.environment.WEIR_PORT}`,
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  })
  const { StreamNames: [streamName] = [] } = await kinesis.send(new ListStreamsCommand({}))
  await kinesis.send(
    new PutRecordCommand({
      StreamName: streamName,
      PartitionKey: 'any',
      Data: Buffer.from('no JSON'),
    }),
  )
}

/** A fare may be below zero: a new version, and the old one kept for what it judged. */
async function mendContract(): Promise<void> {
  const folder = join(project.root, 'products/trips')
  const contract = await readFile(join(folder, 'contract.yaml'), 'utf8')
  await mkdir(join(folder, 'past-contracts'), { recursive: true })
  await writeFile(join(folder, 'past-contracts/1.0.0.yaml'), contract)
  const [head, tail] = contract.split('      - name: fare_amount\n') as [string, string]
  await writeFile(
    join(folder, 'contract.yaml'),
    [
      head.replace('version: "1.0.0"', 'version: "1.0.1"'),
      tail.replace('minimum: 0', 'minimum: -100'),
    ].join('      - name: fare_amount\n'),
  )
}
