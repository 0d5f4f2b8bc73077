import { describe, expect, it } from 'vitest'
import { topologyFromContext } from '#lib/topology/context.ts'
import { checkProductNames, productId } from '#lib/topology/names.ts'
import { cellOf, defineTopology } from '#lib/topology/topology.ts'

const fromContext = (context: Record<string, unknown>) => topologyFromContext((key) => context[key])

describe('a topology', () => {
  it('has one cell in each of two regions by default, and keeps its data', () => {
    const { namespace, cells, disposable } = defineTopology()

    expect(namespace).toBe('weir')
    expect(cells).toEqual([
      { name: 'us-east-1', region: 'us-east-1' },
      { name: 'eu-west-1', region: 'eu-west-1' },
    ])
    expect(disposable).toBe(false)
  })

  it.each([
    ['no cells', { cells: [] }, /no cells/],
    [
      'a purpose that may read next to nothing',
      {
        purposes: [
          ...defineTopology().purposes,
          { name: 'audit', description: '', scanLimitBytes: 9_999_999 },
        ],
      },
      /"audit" may scan 9999999 bytes: write at least 10000000/,
    ],
    ['no operations', { purposes: defineTopology().purposes.slice(0, 1) }, /no query purpose "op/],
    [
      'a purpose twice',
      { purposes: [...defineTopology().purposes, ...defineTopology().purposes] },
      /"analysts" is stated twice/,
    ],
    ['a region that is none', { cells: [cellOf('mars')] }, /"mars" must be an AWS region/],
    [
      'a region twice',
      { cells: [cellOf('eu-west-1'), cellOf('eu-west-1')] },
      /name each cell once/,
    ],
    [
      'two cells that would share a database',
      { cells: [cellOf('eu-west-1'), { name: 'blue', region: 'eu-west-1' }] },
      /share eu-west-1/,
    ],
    [
      'an account that is none',
      { cells: [{ ...cellOf('eu-west-1'), account: '12' }] },
      /12 digits/,
    ],
    ['a namespace that no stack could bear', { namespace: 'my_weir' }, /namespace: "my_weir"/],
    ['an empty tag', { environment: '' }, /environment: "" must be a tag value/],
  ])('refuses %s', (_what, given, message) => {
    expect(() => defineTopology(given)).toThrow(message)
  })

  it('lets two cells share a region in two accounts', () => {
    const cells = ['111111111111', '222222222222'].map((account, index) => ({
      name: `cell-${index}`,
      region: 'eu-west-1',
      account,
    }))

    expect(defineTopology({ cells }).cells).toHaveLength(2)
  })
})

describe('the context of a command line', () => {
  it('picks regions, namespace and environment', () => {
    const topology = fromContext({
      cells: 'ap-southeast-2, us-gov-west-1',
      namespace: 'lake',
      environment: 'prod',
    })

    expect(topology.cells.map((cell) => cell.region)).toEqual(['ap-southeast-2', 'us-gov-west-1'])
    expect(topology).toMatchObject({ namespace: 'lake', environment: 'prod', disposable: false })
  })

  it.each([
    ['true', true],
    [true, true],
    ['false', false],
    [undefined, false],
  ])('destroys data only if told so: %s', (disposable, expected) => {
    expect(fromContext({ disposable }).disposable).toBe(expected)
  })

  it.each([['yes'], ['True'], [1]])('refuses %s as an answer to whether data may go', (value) => {
    expect(() => fromContext({ disposable: value })).toThrow(/"disposable" must be true or false/)
  })

  it('refuses a list where it takes text', () => {
    expect(() => fromContext({ cells: ['us-east-1'] })).toThrow(/"cells" must be text/)
  })
})

describe('names of products', () => {
  it('become ids in Pascal case', () => {
    expect(productId('yellow_taxi_trips')).toBe('YellowTaxiTrips')
  })

  it.each([
    ['a_b1', 'a_b_1'],
    ['a__b', 'a_b'],
  ])('refuses %s beside %s, which AWS could not tell apart', (one, other) => {
    expect(() => checkProductNames([one, other])).toThrow(/rename one/)
  })

  it.each(['trips_raw', 'trips_quarantine', 'trips_v2'])('refuses %s beside trips', (name) => {
    expect(() => checkProductNames([name, 'trips'])).toThrow(
      /named like a table of product "trips"/,
    )
    expect(() => checkProductNames([name])).not.toThrow()
  })

  it.each([['state'], ['ops']])('refuses "%s", which is a stack of the cell', (name) => {
    expect(() => checkProductNames([name])).toThrow(/named like a stack/)
  })
})
