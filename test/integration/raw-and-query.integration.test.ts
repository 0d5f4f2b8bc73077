import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { zstdDecompressSync } from 'node:zlib'
import { DeleteItemCommand, DynamoDBClient, paginateScan } from '@aws-sdk/client-dynamodb'
import { GetObjectCommand, paginateListObjectsV2, S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { clientConfig } from '#lib/adapters/aws/client-config.ts'
import { LocalCell } from '#test/support/local-cell.ts'
import { tripText } from '#test/support/trip-events.ts'
import { root } from '#test/support/weir.ts'

interface Answer {
  readonly rows: (string | number | null)[][]
  readonly versions?: readonly { readonly table: string; readonly snapshot: string }[]
}

const before = process.env.AWS_ENDPOINT_URL
let cell: LocalCell

beforeAll(async () => {
  cell = await LocalCell.start(await readFile(join(root, 'products/trips/contract.yaml'), 'utf8'))
})
afterAll(async () => {
  if (before === undefined) delete process.env.AWS_ENDPOINT_URL
  else process.env.AWS_ENDPOINT_URL = before
  await cell?.stop()
})

async function send(prefix: string, count: number): Promise<void> {
  const file = join(cell.project.root, `${prefix}.ndjson`)
  const trips = Array.from({ length: count }, (_, i) =>
    tripText({ id: `${prefix}-${i}`, ...(i % 10 === 9 ? { fare: '-1.00' } : {}) }),
  )
  await writeFile(file, `${[...trips, trips[0]].join('\n')}\n`)
  await cell.weir('send', 'trips', file)
  await cell.weir('wait', 'trips')
}

const query = (sql: string, ...more: string[]) => cell.weir<Answer>('query', sql, ...more)
const count = async (table: string, ...more: string[]) =>
  Number((await query(`select count(*) from ${table}`, ...more)).rows[0]![0])

/** What the command says when it fails. */
async function refusal(...args: string[]): Promise<string> {
  const { exitCode, stderr } = await cell.project.weir(...args, '--region', LocalCell.region)
  expect(exitCode).not.toBe(0)
  return stderr
}

it('asks a cell as it was, through views, in the work group of a purpose', async () => {
  await send('first', 20)
  const [first] = (
    await cell.weir<{ snapshots: { id: string; isCurrent: boolean; committedAt?: string }[] }>(
      'table',
      'history',
      'trips',
    )
  ).snapshots.filter((one) => one.isCurrent)
  const then = new Date().toISOString()
  await send('second', 10)

  expect(await count('trips')).toBe(27)
  const asOfTime = await query('select count(*) from trips t', '--at', then)
  expect(asOfTime.rows).toEqual([[18]])
  expect(asOfTime.versions).toMatchObject([{ table: 'trips', snapshot: first!.id }])
  expect(await count('trips', '--at', first!.id)).toBe(18)

  expect(await count('trips_current')).toBe(27)
  expect((await query('select sum(row_count) from trips_daily')).rows).toEqual([[27]])
  const rejections = await query(
    'select contract_version, reason, sum(row_count) from trips_rejections group by 1, 2',
    '--purpose',
    'operations',
  )
  expect(rejections.rows).toEqual([['1.0.0', 'fare_amount.belowMinimum', 3]])

  expect(await refusal('query', 'select * from trips', '--at', '2020-01-01')).toMatch(
    /trips was at 2020-01-01T00:00:00\.000Z is not retained: it is known from/,
  )
  expect(await refusal('query', 'select * from trips', '--at', '1234567')).toMatch(
    /has no snapshot 1234567/,
  )
  expect(await refusal('query', 'select * from trips_daily', '--at', then)).toMatch(
    /trips_daily has no snapshots: it is a view/,
  )
  expect(await refusal('query', 'select 1', '--purpose', 'fun')).toMatch(
    /nobody may query for "fun" in us-east-1: purposes are analysts, operations/,
  )
}, 400_000)

it('makes a lost journal again from raw, item by item the same, and everything goes on', async () => {
  const { received } = await cell.weir<{ received: number }>('reconcile', 'trips')
  const lost = await journalItems()
  expect(await cell.weir('raw', 'verify', 'trips')).toMatchObject({
    complete: true,
    events: received,
  })

  for (const key of lost.keys()) await removeItem(JSON.parse(key))
  expect((await journalItems()).size).toBe(0)
  expect(await refusal('reconcile', 'trips')).toMatch(/raw/)
  const dry = await cell.weir<{ rebuilt: number }>('raw', 'rebuild-journal', 'trips', '--dry-run')
  expect((await journalItems()).size).toBe(0)

  const rebuilt = await cell.weir<{ rebuilt: number; shards: { by: unknown }[] }>(
    'raw',
    'rebuild-journal',
    'trips',
  )

  expect(rebuilt.rebuilt).toBe(dry.rebuilt)
  expect(await journalItems()).toEqual(lost)
  await send('third', 10)
  expect(await cell.weir('reconcile', 'trips')).toMatchObject({
    balanced: true,
    received: received + 11,
  })
  expect(await count('trips')).toBe(36)
}, 400_000)

it('keeps what is personal sealed, opens it for a purpose, and erases a person with proof', async () => {
  const rider = (id: string, person: string, fare = '10.50') =>
    tripText({ id, fare }).replace(
      /\}\}$/,
      `,"rider_id":"planted-${person}","rider_name":"Planted ${person}","rider_email":"planted@${person}.example"}}`,
    )
  const file = join(cell.project.root, 'riders.ndjson')
  const trips = [rider('r1', 'ada'), rider('r2', 'ben'), rider('r3', 'ada')]
  await writeFile(file, `${[...trips, rider('r4', 'ada', '-1.00')].join('\n')}\n`)
  await cell.weir('send', 'trips', file)
  await cell.weir('wait', 'trips')
  const sealed =
    "select event_id, ingest_shard, ingest_sequence, ingest_index, rider_id, rider_name, fare_amount from trips where event_id like 'r%' order by 1"
  const columns = (answer: Answer) => answer.rows.map((row) => [row[0], row[4], row[5], row[6]])
  const token = expect.stringMatching(/^[\w-]{22}$/)

  expect(await planted()).toEqual([])
  expect(columns(await query(sealed))).toEqual([
    ['r1', token, null, '10.50'],
    ['r2', token, null, '10.50'],
    ['r3', token, null, '10.50'],
  ])
  expect(columns(await query(sealed, '--purpose', 'support'))).toEqual([
    ['r1', 'planted-ada', 'Planted ada', '10.50'],
    ['r2', 'planted-ben', 'Planted ben', '10.50'],
    ['r3', 'planted-ada', 'Planted ada', '10.50'],
  ])
  expect(await refusal('query', 'select rider_name from trips', '--purpose', 'fraud')).toMatch(
    /has to select ingest_shard, ingest_sequence, ingest_index and rider_id/,
  )
  const [rejected] = (
    await query("select quarantine_id, event from trips_quarantine where event_id = 'r4'")
  ).rows
  expect(rejected![1]).toMatch(/^weir-sealed:/)
  const shown = await cell.weir<{ event: string }>(
    'quarantine',
    'show',
    'trips',
    String(rejected![0]),
  )
  expect(shown.event).toBe(rider('r4', 'ada', '-1.00'))

  const erase = (...args: string[]) =>
    cell.project.weirJson<{ certificates: unknown[] }>('erase', ...args)
  await erase('hold', 'planted-ben', '--reason', 'case 7')
  const held = await cell.project.weir('erase', 'planted-ben', '--reason', 'asked to')
  expect(held.stderr).toMatch(/1 of 1 are under a legal hold \("case 7"/)
  const certificates = join(cell.project.root, 'certificates.json')
  const erased = await erase('planted-ada', '--reason', 'asked to', '--out', certificates)
  expect(erased.certificates).toMatchObject([
    { cell: 'us-east-1', number: 1, subjects: [{ outcome: 'erased' }] },
  ])
  expect(await erase('verify', certificates)).toMatchObject({ valid: true })
  await writeFile(certificates, (await readFile(certificates, 'utf8')).replace('asked to', 'no'))
  expect((await cell.project.weir('erase', 'verify', certificates)).stderr).toMatch(
    /certificate 1 of us-east-1 is not true: its content is not what its hash is of/,
  )

  expect(columns(await query(sealed, '--purpose', 'support'))).toEqual([
    ['r1', token, null, '10.50'],
    ['r2', 'planted-ben', 'Planted ben', '10.50'],
    ['r3', token, null, '10.50'],
  ])
  expect(await cell.weir('reconcile', 'trips')).toMatchObject({ balanced: true })
}, 400_000)

/** Where a planted value stands in the clear: in objects as they are and unpacked, and in items. */
async function planted(): Promise<string[]> {
  const found: string[] = []
  const s3 = new S3Client(clientConfig({ region: LocalCell.region }))
  const bucket = cell.output('TripsBucket')
  for await (const { Contents = [] } of paginateListObjectsV2({ client: s3 }, { Bucket: bucket })) {
    for (const { Key } of Contents) {
      const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: Key! }))
      const bytes = Buffer.from(await Body!.transformToByteArray())
      const text = Key!.endsWith('.zst') ? zstdDecompressSync(bytes) : bytes
      if (/planted/i.test(text.toString('latin1'))) found.push(Key!)
    }
  }
  for (const table of ['TripsJournalTable', 'TripsSlotsTable', 'KeyTable', 'ErasureTable']) {
    const TableName = cell.output(table)
    for await (const { Items = [] } of paginateScan({ client: client() }, { TableName })) {
      if (/planted/i.test(JSON.stringify(Items))) found.push(table)
    }
  }
  return found
}

const client = () => new DynamoDBClient(clientConfig({ region: LocalCell.region }))

/** Every item of the journal: what it says, by its key. */
async function journalItems(): Promise<ReadonlyMap<string, string>> {
  const items = new Map<string, string>()
  for await (const { Items = [] } of paginateScan(
    { client: client() },
    { TableName: cell.output('TripsJournalTable') },
  )) {
    for (const { pk, sk, body } of Items) items.set(JSON.stringify({ pk, sk }), body!.S!)
  }
  return items
}

async function removeItem(key: Record<string, { S: string }>): Promise<void> {
  await client().send(
    new DeleteItemCommand({ TableName: cell.output('TripsJournalTable'), Key: key }),
  )
}
