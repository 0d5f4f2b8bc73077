import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { TestProject } from '#test/support/project.ts'
import { root } from '#test/support/weir.ts'

const TRIPS = readFileSync(join(root, 'products/trips/contract.yaml'), 'utf8')
const RIDES = TRIPS.replace('dataProduct: trips', 'dataProduct: rides').replace(
  '- name: trips',
  '- name: rides',
)
const view = (name: string, aggregate = 'sum') =>
  `export const views = [
  {
    name: '${name}',
    description: 'Fares.',
    key: 'pickup_location_id',
    window: { kind: 'tumbling', sizeSeconds: 3600 },
    aggregates: [{ name: 'x', function: '${aggregate}', field: 'fare_amount' }],
    freshnessSeconds: 60,
  },
]
`

describe('beside a product that is broken', () => {
  const project = () =>
    new TestProject({
      'products/trips/contract.yaml': TRIPS,
      'products/trips/features.ts': view('fares'),
      'products/bad/contract.yaml': 'apiVersion: [',
    })

  it.each([
    [['send', 'trips', 'x.ndjson']],
    [['wait', 'trips']],
    [['reconcile', 'trips']],
    [['quarantine', 'list', 'trips']],
    [['features', 'get', 'fares', '1']],
  ])('%j asks the cloud', async (args) => {
    const { stderr } = await project().weir(...args, '--region', 'us-east-1')

    expect(stderr).toMatch(/^weir: the local cloud is not running/)
  })

  it('a good one can be checked', async () => {
    const { exitCode, stdout } = await project().weir('contract', 'check', 'trips')

    expect([exitCode, stdout]).toEqual([0, expect.stringContaining('trips 1.0.0 is valid')])
  })

  it('the broken one is told where it is asked for', async () => {
    const { exitCode, stderr } = await project().weir('wait', 'bad', '--region', 'us-east-1')

    expect([exitCode, stderr]).toEqual([1, expect.stringMatching(/bad\/contract\.yaml:1:\d+: /)])
  })

  it('a view that is in none of the others may be in it', async () => {
    const { stderr } = await project().weir('features', 'get', 'f', '1', '--region', 'us-east-1')

    expect(stderr).toBe(
      'weir: unknown view "f": known are fares; bad cannot be read: run `npm run weir -- contract check`\n',
    )
  })

  it('nothing is deployed', async () => {
    const { exitCode, stderr } = await project().weir('up')

    expect([exitCode, stderr]).toEqual([1, expect.stringMatching(/bad\/contract\.yaml:1:\d+: /)])
  })
})

describe('contract check of products', () => {
  it('looks at their views, too', async () => {
    const project = new TestProject({
      'products/trips/contract.yaml': TRIPS,
      'products/trips/features.ts': view('fares', 'median'),
    })

    const plain = await project.weir('contract', 'check')
    const json = await project.weir('contract', 'check', 'trips', '--json')

    expect(plain.exitCode).toBe(1)
    expect(plain.stderr).toMatch(
      /features\.ts:3:1: trips: view "fares": aggregate "x": there is no function "median": write count, /,
    )
    expect(JSON.parse(json.stdout)).toMatchObject({
      valid: false,
      files: [
        { product: 'trips', version: '1.0.0', problems: [] },
        { product: 'trips', version: null, problems: [{ line: 3, column: 1 }] },
      ],
    })
  })

  it('tells a folder without a contract, and the problems of the others', async () => {
    const project = new TestProject({
      'products/rides/data/x.csv': '',
      'products/trips/contract.yaml': TRIPS.replace('v3.1.0', 'v3.0.0'),
    })

    const { exitCode, stderr } = await project.weir('contract', 'check')

    expect(exitCode).toBe(1)
    expect(stderr.trimEnd().split('\n')).toEqual([
      expect.stringMatching(/rides\/contract\.yaml:1:1: a product is a folder with a contract/),
      expect.stringMatching(/trips\/contract\.yaml:1:13: apiVersion is "v3.0.0"/),
    ])
  })

  it('looks at what they owe to each other, unless one is asked for', async () => {
    const project = new TestProject({
      'products/trips/contract.yaml': TRIPS,
      'products/trips/features.ts': view('fares'),
      'products/rides/contract.yaml': RIDES,
      'products/rides/features.ts': view('fares'),
    })

    expect(await project.weir('contract', 'check')).toMatchObject({
      exitCode: 1,
      stderr: 'weir: view "fares" is defined twice: rename one of them\n',
    })
    expect(await project.weir('contract', 'check', 'rides')).toMatchObject({ exitCode: 0 })
  })

  it('takes the path of a product’s contract as the product', async () => {
    const project = new TestProject({
      'products/trips/contract.yaml': TRIPS,
      'products/trips/features.ts': view('fares', 'median'),
    })

    const { stderr } = await project.weir(
      'contract',
      'check',
      join(project.root, 'products/trips/contract.yaml'),
    )

    expect(stderr).toContain('no function "median"')
  })
})
