import { fileURLToPath } from 'node:url'
import { App } from 'aws-cdk-lib'
import { loadProducts } from '#lib/adapters/files/product-files.ts'
import { FunctionBundles } from '#lib/constructs/kernel/function-bundles.ts'
import { addCells } from '#lib/stacks/cells.ts'
import { topologyFromContext } from '#lib/topology/context.ts'

/** topology → cells → stacks: what `cdk` runs, from wherever it was called. */
async function main(): Promise<void> {
  const root = fileURLToPath(new URL('..', import.meta.url))
  const app = new App({ analyticsReporting: false })
  const topology = topologyFromContext((key) => app.node.tryGetContext(key))
  const products = await loadProducts(root)
  const bundles = await FunctionBundles.build(root)
  addCells(app, { topology, products, bundles })
  app.synth()
}

main().catch((error: unknown) => {
  // What is wrong is in the message; the stack would only tell where it was noticed.
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
})
