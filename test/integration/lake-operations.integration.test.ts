import { execFileSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { ensureVenv } from '#local/local-cloud.ts'
import { IcebergReaders } from '#test/support/iceberg-readers.ts'
import { ProjectCopy } from '#test/support/project-copy.ts'
import { tripText } from '#test/support/trip-events.ts'
import { root } from '#test/support/weir.ts'
import { eventually } from '../local/temporary-cloud.ts'

const REGION = ['--region', 'us-east-1']
const TABLE = { database: 'weir', name: 'trips' }
const TRIPS = 240

interface ListedTable {
  readonly table: string
  readonly rows: number
  readonly files: number
  readonly averageFileBytes: number
  readonly onHold: string | null
}

interface HistoryAnswer {
  readonly snapshots: readonly {
    readonly id: string
    readonly operation: string
    readonly maintenance: string | null
    readonly writer: string
    readonly isCurrent: boolean
    readonly isAncestor: boolean
    readonly fencesMoved: readonly unknown[]
  }[]
}

let project: ProjectCopy
let readers: IcebergReaders
let endpoint: string
const before = process.env.AWS_ENDPOINT_URL

beforeAll(async () => {
  project = await ProjectCopy.create()
  // With IAM: the function that tends tables may do what its role says, and no more.
  await project.weirJson('up', '--auth', '--regions', 'us-east-1')
  endpoint = `http://127.0.0.1:${project.environment.WEIR_PORT}`
  process.env.AWS_ENDPOINT_URL = endpoint
  readers = await IcebergReaders.start()
})
afterAll(async () => {
  if (before === undefined) delete process.env.AWS_ENDPOINT_URL
  else process.env.AWS_ENDPOINT_URL = before
  readers?.stop()
  await project?.remove()
})

const table = <Answer>(...args: readonly string[]) =>
  project.weirJson<Answer>('table', ...args, ...REGION)
const listed = async (name = 'trips') =>
  (await table<{ tables: ListedTable[] }>('list')).tables.find((one) => one.table === name)!
const history = async () => (await table<HistoryAnswer>('history', 'trips')).snapshots
const settle = () => project.weirJson('wait', 'trips', ...REGION)

/** Sends trips slowly, so that they come in many small batches. */
async function send(prefix: string, count: number, perSecond: number): Promise<void> {
  const file = join(project.root, `${prefix}.ndjson`)
  const lines = Array.from({ length: count }, (_, at) => tripText({ id: `${prefix}-${at}` }))
  await writeFile(file, `${lines.join('\n')}\n`)
  await project.weirJson('send', 'trips', file, ...REGION, '--rate', String(perSecond))
}

/** What both engines read, if they agree. */
async function rows() {
  const read = await readers.rows({ ...TABLE, columns: ['event_id', 'fare_amount'] })
  expect(read.duckdb).toEqual(read.pyiceberg)
  return read.pyiceberg
}

it('a table is looked at, tended, rolled back and released, and engines see every row once', async () => {
  await send('trip', TRIPS, 6)
  await settle()
  const sent = await rows()
  const small = await listed()
  expect(sent).toHaveLength(TRIPS)
  expect(small).toMatchObject({ rows: TRIPS, onHold: null })
  expect(small.files).toBeGreaterThan(8)
  const files = await table<{ files: number; list: { partition: string; times: object }[] }>(
    'files',
    'trips',
    '--partition',
    '2019-01-03',
    '--limit',
    '2',
  )
  expect(files).toMatchObject({
    files: small.files,
    list: [{ partition: 'dropoff_datetime_day=2019-01-03' }, {}],
  })
  expect(files.list).toHaveLength(2)

  // Compaction: one file, the same rows, and nothing left to do.
  expect(await table('compact', 'trips')).toMatchObject({
    filesBefore: small.files,
    filesAfter: 1,
    rows: TRIPS,
    isComplete: true,
  })
  expect(await rows()).toEqual(sent)
  expect(await listed()).toMatchObject({ rows: TRIPS, files: 1 })
  expect(await table('compact', 'trips')).toMatchObject({ commits: 0, filesBefore: 0 })
  expect(await table('rewrite-manifests', 'trips')).toEqual({
    table: 'trips',
    committed: false,
    manifestsBefore: 1,
    manifestsAfter: 1,
  })
  expect(await table('expire', 'trips', '--older-than', '1h', '--keep', '1')).toMatchObject({
    expired: [],
  })
  const [good] = await history()

  // Another engine doubles every row; a person takes that back.
  expect(await readers.append(TABLE)).toBe(TRIPS)
  const [bad, known] = await history()
  expect(bad).toMatchObject({ isCurrent: true, writer: 'another engine', fencesMoved: [] })
  expect(known).toEqual({ ...good, isCurrent: false })
  expect(await table('diff', 'trips', good!.id, bad!.id)).toMatchObject({
    rowsBefore: TRIPS,
    rowsAfter: 2 * TRIPS,
    removed: { files: 0 },
    schema: [],
  })
  const unasked = await project.weir('table', 'rollback', 'trips', good!.id, ...REGION)
  expect(unasked).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('--yes') })
  expect((await listed()).rows).toBe(2 * TRIPS)
  const back = ['rollback', 'trips', good!.id, '--yes', '--reason', 'a test']
  for (const rowsBefore of [2 * TRIPS, TRIPS]) {
    expect(await table(...back)).toMatchObject({
      snapshot: good!.id,
      rowsBefore,
      rows: TRIPS,
      onHold: `rolled back to snapshot ${good!.id}: a test`,
    })
  }
  expect(await rows()).toEqual(sent)
  expect((await history())[0]).toMatchObject({ id: bad!.id, isCurrent: false, isAncestor: false })

  // On hold nothing comes in, and says so; released, everything does.
  await send('later', 12, 100)
  await eventually(async () => {
    const { cells } = await project.weirJson<{
      cells: { products: { waiting: { reason: string }[]; shards: { lagEntries: number }[] }[] }[]
    }>('status', '--regions', 'us-east-1')
    const [product] = cells[0]!.products
    const isWaiting = product!.waiting.some(({ reason }) => reason.includes('is on hold'))
    return isWaiting && product!.shards.some(({ lagEntries }) => lagEntries > 0) ? true : undefined
  }, 60_000)
  const compacted = await project.weir('table', 'compact', 'trips', ...REGION)
  expect(compacted).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining('run `weir table release trips --region us-east-1`'),
  })
  expect((await listed()).onHold).toContain('a test')
  expect(await table('release', 'trips')).toMatchObject({ coming: { rows: 12 } })
  await settle()
  expect(await rows()).toHaveLength(TRIPS + 12)

  // Nothing is a day old: all of it is spared, and nothing can be removed.
  expect(await table('orphans', 'trips')).toMatchObject({
    found: 0,
    removableFrom: null,
    spared: { waiting: 0, foreign: 0 },
  })
  expect(await project.weir('table', 'orphans', 'trips', '--remove', ...REGION)).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining('run `weir table orphans trips --region us-east-1` first'),
  })
  expect(await project.weirJson('reconcile', 'trips', ...REGION)).toMatchObject({
    balanced: true,
    admitted: TRIPS + 12,
  })
}, 500_000)

it('the cell’s state machine tends every table of a product, and writes down what it did', async () => {
  await send('more', 60, 6)
  await settle()
  const sent = await rows()
  const small = await listed()
  expect(small.files).toBeGreaterThanOrEqual(5)

  expect(await machineRun()).toBe('SUCCEEDED')

  expect(await listed()).toMatchObject({ rows: small.rows, files: 1 })
  expect(await rows()).toEqual(sent)
  const noted = await project.weirJson<{ rows: (string | number | null)[][] }>(
    'query',
    'select table_name, step, outcome, files_before, files_after from trips_maintenance order by number',
    ...REGION,
  )
  expect(noted.rows.map(([name, step]) => `${name} ${step}`)).toEqual(
    ['trips', 'trips_maintenance'].flatMap((name) =>
      ['compact', 'rewrite-manifests', 'expire', 'orphans'].map((step) => `${name} ${step}`),
    ),
  )
  expect(noted.rows[0]).toEqual(['trips', 'compact', 'done', small.files, 1])
  expect((await listed('trips_maintenance')).rows).toBe(8)
  const { cells } = await project.weirJson<{
    cells: { products: { maintenance: { steps: unknown[] } }[] }[]
  }>('status', '--regions', 'us-east-1')
  expect(cells[0]!.products[0]!.maintenance.steps).toHaveLength(8)
}, 300_000)

it('rows are deleted, on the table and on a branch that is published, and engines see the same', async () => {
  await send('gone', 12, 6)
  await settle()
  const sent = await rows()
  const ids = sent.map(([id]) => id!)
  const [first, second, ...others] = ids.filter((id) => id.startsWith('gone')) as [string, string]
  const where = (...wanted: readonly string[]) => [
    '--where',
    `event_id in (${wanted.map((id) => `'${id}'`).join()})`,
  ]

  const preview = await table('delete', 'trips', ...where(first), '--dry-run')
  expect(preview).toMatchObject({ rows: 1, snapshot: null })
  expect(await rows()).toEqual(sent)
  await table('tag', 'trips', 'before')
  const beside = ['--mode', 'merge-on-read', '--yes']
  const deleted = await table('delete', 'trips', ...where(first), ...beside)
  expect(deleted).toMatchObject({ rows: 1, filesWithDeletes: 1, snapshot: expect.any(String) })
  expect(await rows()).toEqual(sent.filter(([id]) => id !== first))
  expect(await listed()).toMatchObject({ rows: sent.length - 1 })

  await table('branch', 'trips', 'audit')
  await table('delete', 'trips', ...where(second, ...others), ...beside, '--branch', 'audit')
  expect(await rows()).toHaveLength(sent.length - 1)
  const { refs } = await table<{ refs: { name: string; type: string }[] }>('refs', 'trips')
  expect(refs.map(({ name, type }) => `${type} ${name}`)).toEqual([
    'branch main',
    'branch audit',
    'tag before',
  ])
  expect(
    await table('publish', 'trips', 'audit', '--rows', String(sent.length - 12)),
  ).toMatchObject({ how: 'fast-forward' })
  const left = sent.filter(([id]) => !id!.startsWith('gone'))
  expect(await rows()).toEqual(left)

  await table('compact', 'trips', '--min-files', '2')
  expect(await rows()).toEqual(left)
  await send('after', 6, 6)
  await settle()
  expect(await rows()).toHaveLength(left.length + 6)
  expect(await table('drop-tag', 'trips', 'before')).toMatchObject({ dropped: true })
}, 300_000)

/** Starts the machine as its clock does, and waits for the end. */
async function machineRun(): Promise<string> {
  const python = await ensureVenv(
    process.env.WEIR_VENV_CACHE || join(root, '.weir'),
    join(root, 'test/integration/requirements.txt'),
  )
  const script = `
import json, sys, time, boto3
at = dict(endpoint_url=sys.argv[1], region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test")
states, events = boto3.client("stepfunctions", **at), boto3.client("events", **at)
[target] = [
    target
    for rule in events.list_rules()["Rules"]
    for target in events.list_targets_by_rule(Rule=rule["Name"])["Targets"]
    if "stateMachine" in target["Arn"] and "Maintenance" in target["Arn"]
]
run = states.start_execution(stateMachineArn=target["Arn"], input=target["Input"])["executionArn"]
while (found := states.describe_execution(executionArn=run))["status"] == "RUNNING":
    time.sleep(0.5)
print(found["status"], found.get("error", ""), found.get("cause", ""), file=sys.stderr)
print(found["status"])
`
  return execFileSync(python, ['-c', script, endpoint], { encoding: 'utf8' }).trim()
}
