import { Construct } from 'constructs'
import type { FunctionBundles } from '#lib/constructs/kernel/function-bundles.ts'
import type { Product } from '#lib/domain/contract/product.ts'
import { productId, stackName } from '#lib/topology/names.ts'
import type { Cell, Topology } from '#lib/topology/topology.ts'
import { OpsStack } from './ops-stack.ts'
import { ProductStack } from './product-stack.ts'
import { StateStack } from './state-stack.ts'

export interface CellStacksProps {
  readonly topology: Topology
  readonly cell: Cell
  readonly products: readonly Product[]
  readonly bundles: FunctionBundles
}

/**
 * The stacks of one cell, deployed alone by `cdk deploy '<cell>/*'`. Not a `Stage`, since `cdk deploy --all` leaves
 * stages out; that no cell refers to another one is guarded in its place.
 */
export class CellStacks extends Construct {
  constructor(scope: Construct, props: CellStacksProps) {
    const { topology, cell, products, bundles } = props
    const { name, region, account } = cell
    super(scope, name)
    const env = { region, ...(account === undefined ? {} : { account }) }
    const state = new StateStack(this, 'State', {
      env,
      stackName: stackName(topology, cell, 'state'),
      description: `What cell ${name} keeps`,
      topology,
      cell,
      products,
    })
    const deployed = products.map((product) => ({
      product,
      stack: new ProductStack(this, productId(product.name), {
        env,
        stackName: stackName(topology, cell, product.name),
        description: `What data product ${product.name} does in cell ${name}`,
        topology,
        cell,
        product,
        bundles,
        state,
        logOf: (name) => logOf(state, products, name),
      }),
    }))
    new OpsStack(this, 'Ops', {
      env,
      stackName: stackName(topology, cell, 'ops'),
      description: `Alarms and dashboard of cell ${name}`,
      topology,
      cell,
      state,
      products: deployed,
    })
  }
}

function logOf(state: StateStack, products: readonly Product[], name: string) {
  const product = products.find((one) => one.name === name)
  if (product === undefined) {
    throw new Error(`decisions are logged to product "${name}", which there is not`)
  }
  return { stream: state.storesOf(name).stream, contract: product.contract }
}
