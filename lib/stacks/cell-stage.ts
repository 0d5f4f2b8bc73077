import { Stage } from 'aws-cdk-lib'
import type { Construct } from 'constructs'
import type { FunctionBundles } from '#lib/constructs/kernel/function-bundle.ts'
import type { Product } from '#lib/domain/contract/product.ts'
import { productId, stackName } from '#lib/topology/names.ts'
import type { Cell, Topology } from '#lib/topology/topology.ts'
import { ProductStack } from './product-stack.ts'
import { StateStack } from './state-stack.ts'

export interface CellStageProps {
  readonly topology: Topology
  readonly cell: Cell
  readonly products: readonly Product[]
  readonly bundles: FunctionBundles
}

/** One cell, deployed alone by `cdk deploy '<cell>/*'`. Nothing in it refers to another cell. */
export class CellStage extends Stage {
  constructor(scope: Construct, props: CellStageProps) {
    const { topology, cell, products, bundles } = props
    const { name, region, account } = cell
    super(scope, name, { env: { region, ...(account === undefined ? {} : { account }) } })
    const state = new StateStack(this, 'State', {
      stackName: stackName(topology, cell, 'state'),
      description: `What cell ${name} keeps`,
      topology,
      cell,
      products,
    })
    for (const product of products) {
      new ProductStack(this, productId(product.name), {
        stackName: stackName(topology, cell, product.name),
        description: `What data product ${product.name} does in cell ${name}`,
        topology,
        cell,
        product,
        bundles,
        state,
      })
    }
  }
}
