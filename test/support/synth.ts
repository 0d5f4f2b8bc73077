import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { App } from 'aws-cdk-lib'
import type { CloudAssembly } from 'aws-cdk-lib/cx-api'
import { afterAll } from 'vitest'
import {
  FunctionBundles,
  type FunctionName,
  PRODUCT_FUNCTIONS,
} from '#lib/constructs/kernel/function-bundles.ts'
import type { Product } from '#lib/domain/contract/product.ts'
import { addCells } from '#lib/stacks/cells.ts'
import { defineTopology, type Topology } from '#lib/topology/topology.ts'
import { productOf } from './synth-product.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Bundles of a line each, for tests that are not about bundling. */
export function tinyBundles(): FunctionBundles {
  const code = Buffer.from('export const handler = () => {}\n')
  const names = Object.keys(PRODUCT_FUNCTIONS) as FunctionName[]
  return new FunctionBundles(new Map(names.map((name) => [name, code])), temporaryDirectory())
}

/**
 * An app with the settings of `cdk.json`, writing to a directory of its own. By default without the CDK's own look at
 * the templates, which takes longer than all the rest.
 */
export function newApp({ builtinCloudFormationValidation = false } = {}): App {
  const { context } = JSON.parse(readFileSync(join(root, 'cdk.json'), 'utf8'))
  const outdir = temporaryDirectory()
  return new App({ analyticsReporting: false, builtinCloudFormationValidation, outdir, context })
}

export interface SynthOptions {
  readonly topology?: Partial<Topology>
  readonly products?: readonly Product[]
  readonly bundles?: FunctionBundles
  /** Whether the CDK validates the templates too, as it does outside of tests. @default false */
  readonly builtinCloudFormationValidation?: boolean
  /** Changes to the app before it is synthesized, such as a planted violation. */
  readonly plant?: (app: App) => void
}

/** The assembly of a topology, by default of both cells with one product; throws what a guardrail finds. */
export function synth(options: SynthOptions = {}): Synthesized {
  const { builtinCloudFormationValidation } = options
  const app = newApp({ builtinCloudFormationValidation })
  addCells(app, {
    topology: defineTopology(options.topology),
    products: options.products ?? [productOf()],
    bundles: options.bundles ?? tinyBundles(),
  })
  options.plant?.(app)
  return new Synthesized(app.synth())
}

export interface Resource {
  readonly Type: string
  // biome-ignore lint/suspicious/noExplicitAny: a template is JSON of any shape, and a test says which it expects
  readonly Properties: any
  readonly DeletionPolicy?: string
  readonly UpdateReplacePolicy?: string
}

export interface Template {
  readonly Resources: Readonly<Record<string, Resource>>
  // biome-ignore lint/suspicious/noExplicitAny: as above
  readonly Outputs: Readonly<Record<string, any>>
}

/** What was synthesized, by stack. */
export class Synthesized {
  private readonly assembly: CloudAssembly

  constructor(assembly: CloudAssembly) {
    this.assembly = assembly
  }

  get stackNames(): string[] {
    return this.assembly.stacksRecursively.map((stack) => stack.stackName).sort()
  }

  /** By which `cdk deploy` knows the stacks. */
  get paths(): string[] {
    return this.assembly.stacksRecursively.map((stack) => stack.hierarchicalId)
  }

  template(stackName: string): Template {
    const stack = this.assembly.stacksRecursively.find((one) => one.stackName === stackName)
    if (stack === undefined) throw new Error(`no stack ${stackName}: ${this.stackNames.join(', ')}`)
    return stack.template
  }

  /** Every resource of a type in a stack. */
  resources(stackName: string, type: string): Resource[] {
    return Object.values(this.template(stackName).Resources).filter((one) => one.Type === type)
  }
}

const temporary: string[] = []
afterAll(() => {
  for (const directory of temporary) rmSync(directory, { recursive: true, force: true })
})

/** A folder that is gone when the tests of a file have ended. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'synth-'))
  temporary.push(directory)
  return directory
}
