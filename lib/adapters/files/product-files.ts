import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { ContractProblem } from '#lib/domain/contract/parse-contract.ts'
import type { Product } from '#lib/domain/contract/product.ts'
import { PlatformError } from '#lib/domain/kernel/errors.ts'
import { readProduct, strayDefinitions } from './read-product.ts'

/**
 * The names of the products under `<root>/products`, in order: each is a folder. Hidden ones are none, nor are those that only
 * define views or decisions of other products.
 */
export async function productNames(root: string): Promise<readonly string[]> {
  const names = await folderNames(root)
  const isProduct = await Promise.all(names.map(async (name) => !(await isAddition(root, name))))
  return names.filter((_, at) => isProduct[at])
}

async function folderNames(root: string): Promise<readonly string[]> {
  const entries = await readdir(join(root, 'products'), { withFileTypes: true }).catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return []
      throw error
    },
  )
  return entries
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
    .map((entry) => entry.name)
    .sort()
}

/** A folder without a contract, whose definitions are of other products. */
async function isAddition(root: string, name: string): Promise<boolean> {
  const files = await readdir(join(root, 'products', name))
  if (files.includes('contract.yaml')) return false
  return files.includes('features.ts') || files.includes('decisions.ts')
}

/** One product, whatever the others are like. Throws `product.invalid` with file, line and what to change. */
export async function loadProduct(root: string, name: string): Promise<Product> {
  const reading = await readProduct(root, name)
  if (reading.ok) return reading.product
  throw invalid(reading.problems)
}

/**
 * Every product under `<root>/products`, in name order: for what is built from all of them. Throws `product.invalid` with
 * every problem of every product.
 */
export async function loadProducts(root: string): Promise<Product[]> {
  const names = await productNames(root)
  const readings = await Promise.all(names.map((name) => readProduct(root, name)))
  const products = readings.flatMap((reading) => (reading.ok ? [reading.product] : []))
  const unfit = readings.flatMap((reading) => (reading.ok ? [] : reading.problems))
  // A folder that is read as a product has told what is wrong with its own files.
  const problems = unfit.length > 0 ? unfit : await strayDefinitions(root, names)
  if (problems.length > 0) throw invalid(problems)
  const twice = sharedView(products)
  if (twice !== undefined) throw new PlatformError('product.invalid', twice)
  return products
}

/** Why the products cannot be deployed side by side; undefined if they can. */
export function sharedView(products: readonly Product[]): string | undefined {
  for (const [kind, of] of [
    ['view', (product: Product) => product.views],
    ['decision', (product: Product) => product.decisions],
  ] as const) {
    const names = products.flatMap((product) => of(product).map(({ name }) => name))
    const twice = names.find((name, index) => names.indexOf(name) !== index)
    if (twice !== undefined) return `${kind} "${twice}" is defined twice: rename one of them`
  }
  return undefined
}

function invalid(problems: readonly ContractProblem[]): PlatformError {
  const lines = problems.map((one) => `${one.file}:${one.line}:${one.column}: ${one.message}`)
  return new PlatformError('product.invalid', lines.join('\n'), {
    context: { file: problems[0]?.file },
  })
}
