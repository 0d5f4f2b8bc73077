import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { ContractProblem } from '#lib/domain/contract/parse-contract.ts'
import type { Product } from '#lib/domain/contract/product.ts'
import { PlatformError } from '#lib/domain/kernel/errors.ts'
import { readProduct } from './read-product.ts'

/** The names of the products under `<root>/products`, in order: each is a folder. Hidden ones are none. */
export async function productNames(root: string): Promise<readonly string[]> {
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
  const problems = readings.flatMap((reading) => (reading.ok ? [] : reading.problems))
  if (problems.length > 0) throw invalid(problems)
  const twice = sharedView(products)
  if (twice !== undefined) throw new PlatformError('product.invalid', twice)
  return products
}

/** Why the products cannot be deployed side by side; undefined if they can. */
export function sharedView(products: readonly Product[]): string | undefined {
  const views = products.flatMap((product) => product.views.map((view) => view.name))
  const twice = views.find((view, index) => views.indexOf(view) !== index)
  return twice && `view "${twice}" is defined twice: rename one of them`
}

function invalid(problems: readonly ContractProblem[]): PlatformError {
  const lines = problems.map((one) => `${one.file}:${one.line}:${one.column}: ${one.message}`)
  return new PlatformError('product.invalid', lines.join('\n'), {
    context: { file: problems[0]?.file },
  })
}
