import { App } from 'aws-cdk-lib'
import { addCells } from '#lib/stacks/cells.ts'
import { topologyFromContext } from '#lib/topology/context.ts'
import { tinyBundles } from './synth.ts'
import { productOf } from './synth-product.ts'

const app = new App({ analyticsReporting: false })
addCells(app, {
  topology: topologyFromContext((k) => app.node.tryGetContext(k)),
  products: [productOf({ product: 'trips' })],
  bundles: tinyBundles(),
})
app.synth()
