import { describe, expect, it } from 'vitest'
import { cellOf } from '#lib/topology/topology.ts'
import { synth } from '#test/support/synth.ts'
import { productOf } from '#test/support/synth-product.ts'

const products = [productOf(), productOf({ product: 'trips', owner: 'mobility-team', tier: 2 })]
const both = synth({ products })

describe('cells', () => {
  it('have stacks for state, each product and ops, which are deployed by cell', () => {
    expect(both.stackNames).toEqual(
      ['eu-west-1', 'us-east-1'].flatMap((cell) =>
        ['ops', 'sensor-readings', 'state', 'trips'].map((part) => `weir-${cell}-${part}`),
      ),
    )
    expect(both.paths).toContain('us-east-1/Trips')
  })

  it('do not know of each other', () => {
    for (const name of both.stackNames) {
      const other = name.includes('eu-west-1') ? 'us-east-1' : 'eu-west-1'

      expect(JSON.stringify(both.template(name))).not.toContain(other)
    }
  })

  it('are the same whether others are deployed beside them or not', () => {
    const alone = synth({ products, topology: { cells: [cellOf('eu-west-1')] } })

    for (const name of alone.stackNames) expect(alone.template(name)).toEqual(both.template(name))
  })

  it('run one build of a function: code is equal in all cells, and equal for no two products', () => {
    const codeOf = (stack: string) =>
      both.resources(stack, 'AWS::Lambda::Function').map((one) => one.Properties.Code.S3Key)

    expect(codeOf('weir-us-east-1-trips')).toEqual(codeOf('weir-eu-west-1-trips'))
    expect(codeOf('weir-us-east-1-trips')).not.toEqual(codeOf('weir-us-east-1-sensor-readings'))
  })
})

describe('tags', () => {
  const tags = (stack: string, type: string) =>
    both
      .resources(stack, type)
      .map((one): { Key: string; Value: string }[] => one.Properties.Tags)
      .map((pairs) => Object.fromEntries(pairs.map(({ Key, Value }) => [Key, Value])))

  it('of a product come from its contract, wherever the resource stands', () => {
    const trips = {
      owner: 'mobility-team',
      domain: 'telemetry',
      'data-product': 'trips',
      tier: '2',
      environment: 'dev',
      cell: 'eu-west-1',
      'cost-center': 'cc-42',
      'data-classification': 'internal',
      'managed-by': 'weir',
    }

    expect(tags('weir-eu-west-1-state', 'AWS::Kinesis::Stream')).toContainEqual(trips)
    expect(tags('weir-eu-west-1-trips', 'AWS::Lambda::Function')).toEqual(Array(7).fill(trips))
    expect(tags('weir-eu-west-1-ops', 'AWS::CloudWatch::Alarm')).toContainEqual(trips)
  })

  it('of what all products share name the platform', () => {
    const [key] = tags('weir-eu-west-1-state', 'AWS::KMS::Key')

    expect(key).toMatchObject({ owner: 'data-platform', 'data-product': 'shared' })
  })
})
