import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { CloudFormationClient, ListStacksCommand } from '@aws-sdk/client-cloudformation'
import { KinesisClient, ListStreamsCommand } from '@aws-sdk/client-kinesis'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { clientConfig } from '#lib/adapters/aws/client-config.ts'
import { codeBlocks } from '#test/support/markdown-blocks.ts'
import { ProjectCopy } from '#test/support/project-copy.ts'
import { root, run } from '#test/support/weir.ts'

const REGION = 'us-east-1'

interface Rows {
  readonly rows: readonly (readonly (string | number | null)[])[]
}

let project: ProjectCopy
let page = ''
beforeAll(async () => {
  page = await readFile(join(root, 'docs/contract.md'), 'utf8')
  project = await ProjectCopy.create()
  for (const { info, text } of codeBlocks(page)) {
    const [, file] = /^title="(.*)"$/.exec(info) ?? []
    if (file === undefined) continue
    await mkdir(dirname(join(project.root, file)), { recursive: true })
    await writeFile(join(project.root, file), text)
  }
  await project.weirJson('up', '--regions', REGION)
})
afterAll(() => project?.remove())

/** The command of the page that begins so, in this copy. */
function asInPage(start: string): Promise<unknown> {
  const line = codeBlocks(page)
    .flatMap(({ text }) => text.split('\n'))
    .find((one) => one.startsWith(`npm run -s weir -- ${start}`))!
  const words = line.replace('npm run -s weir -- ', '').matchAll(/"([^"]*)"|(\S+)/g)
  const args = Array.from(words, ([, quoted, bare]) => quoted ?? bare!)
  return project.weirJson(
    ...args.map((word) => (word === 'rides.ndjson' ? join(project.root, word) : word)),
  )
}

const query = async (sql: string) =>
  (await project.weirJson<Rows>('query', sql, '--region', REGION)).rows

it('the first product of the contract reference does what the page says, and can be removed', async () => {
  expect(await asInPage('send rides')).toMatchObject({ sent: 3, accepted: 3 })
  const csv = ['send', 'rides', join(project.root, 'rides.csv'), '--region', REGION]
  expect(await project.weirJson(...csv)).toMatchObject({ sent: 2, accepted: 2 })
  await asInPage('wait rides')

  const { rows } = (await asInPage('query')) as Rows
  expect(rows.toSorted()).toEqual([
    ['cargo', 2, null],
    ['city', 2, '5.00'],
  ])
  expect(await asInPage('quarantine list rides')).toMatchObject({
    reasons: { 'price.belowMinimum': 1 },
  })
  expect(await asInPage('features get station-rides')).toMatchObject({
    values: { rides: 1, revenue: 2.5 },
  })

  // The page of the product: its example is a row, and its query finds it.
  const docs = await project.weirJson<{ text: string; example: object }>(
    'contract',
    'docs',
    'rides',
  )
  const file = join(project.root, 'example.ndjson')
  await writeFile(file, `${JSON.stringify(docs.example)}\n`)
  await project.weirJson('send', 'rides', file, '--region', REGION)
  await asInPage('wait rides')
  const sql = codeBlocks(docs.text).find(({ language }) => language === 'sql')!.text
  expect((await query(sql)).map(([id]) => id)).toContain('rides-1')

  await removeProduct()
  expect(await stacks()).toEqual([
    'weir-us-east-1-ops',
    'weir-us-east-1-state',
    'weir-us-east-1-trips',
  ])
  expect(await query('select count(*) from rides')).toEqual([[5]])
  const kinesis = new KinesisClient(settings())
  const { StreamNames: streams } = await kinesis.send(new ListStreamsCommand({}))
  expect(streams?.some((name) => /rides/i.test(name))).toBe(true)
}, 300_000)

/** In the order that the page states. */
async function removeProduct(): Promise<void> {
  const steps = codeBlocks(page).find(({ text }) => text.includes('cdk destroy'))!.text
  expect(steps.split('\n').map((line) => line.split(' ', 2).join(' '))).toEqual([
    'npx cdk',
    'rm -r',
    'npm run',
    '',
  ])
  const cdk = join(project.root, 'node_modules/aws-cdk/bin/cdk')
  const args = [
    'destroy',
    `${REGION}/Rides`,
    '--force',
    '--context',
    `cells=${REGION}`,
    '--no-notices',
  ]
  const destroyed = await run(process.execPath, [cdk, ...args], {
    cwd: project.root,
    env: { ...project.environment, AWS_ENDPOINT_URL: endpoint() },
  })
  expect([destroyed.exitCode, destroyed.exitCode === 0 ? '' : destroyed.stderr]).toEqual([0, ''])
  await rm(join(project.root, 'products/rides'), { recursive: true })
  await project.weirJson('up', '--regions', REGION)
}

async function stacks(): Promise<string[]> {
  const { StackSummaries: found = [] } = await new CloudFormationClient(settings()).send(
    new ListStacksCommand({}),
  )
  return found
    .filter((one) => one.StackStatus !== 'DELETE_COMPLETE' && one.StackName !== 'CDKToolkit')
    .map((one) => one.StackName!)
    .toSorted()
}

function endpoint(): string {
  return `http://127.0.0.1:${project.environment.WEIR_PORT}`
}

function settings() {
  return { ...clientConfig({ region: REGION }), endpoint: endpoint() }
}
