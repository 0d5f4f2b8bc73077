import { type App, Validations } from 'aws-cdk-lib'
import type { FunctionBundles } from '#lib/constructs/kernel/function-bundles.ts'
import type { Product } from '#lib/domain/contract/product.ts'
import { refuseBreakingChange } from '#lib/guardrails/contract-evolution.ts'
import { Guardrails } from '#lib/guardrails/guardrails.ts'
import { NagPack } from '#lib/guardrails/nag-pack.ts'
import { checkResidency } from '#lib/guardrails/residency.ts'
import { checkLock } from '#lib/guardrails/retention.ts'
import { checkProductNames } from '#lib/topology/names.ts'
import type { Topology } from '#lib/topology/topology.ts'
import { CellStacks } from './cell-stacks.ts'

export interface CellsProps {
  readonly topology: Topology
  readonly products: readonly Product[]
  readonly bundles: FunctionBundles
}

/** Every cell of the topology with every product, and the guardrails that refuse to synthesize a bad one. */
export function addCells(app: App, { topology, products, bundles }: CellsProps): void {
  checkProductNames(products.map((product) => product.name))
  for (const { contract, files, sources } of products) {
    checkLock([...sources.map((source) => source.contract), contract], files.contract)
    refuseBreakingChange(sources)
    checkResidency(contract, files.contract, topology.cells)
  }
  for (const cell of topology.cells) new CellStacks(app, { topology, cell, products, bundles })
  Validations.of(app).addPlugins(new Guardrails(), new NagPack(app))
}
