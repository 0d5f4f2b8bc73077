import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Contract } from '#lib/domain/contract/contract.ts'
import { parseContract } from '#lib/domain/contract/parse-contract.ts'
import type { Product } from '#lib/domain/contract/product.ts'
import type { CsvSource } from '#lib/domain/ingest/csv-mapping.ts'
import { PlatformError } from '#lib/domain/kernel/errors.ts'
import type { JsonValue } from '#lib/domain/kernel/json.ts'
import { checkViews } from '#lib/domain/process/check-views.ts'
import type { ViewDefinition } from '#lib/domain/process/view.ts'

/**
 * Every product under `<root>/products`, in name order. A folder is a product if it holds `contract.yaml`;
 * `past-contracts/*.yaml` are earlier versions that raw objects may still name, `features.ts` exports
 * `views`, `source.ts` exports `csv`. Throws `product.invalid` with file, line and what to change.
 */
export async function loadProducts(root: string): Promise<Product[]> {
  const directory = join(root, 'products')
  const entries = await readdir(directory, { withFileTypes: true })
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name)
  const products: Product[] = []
  for (const name of names.sort()) {
    if (await exists(join(directory, name, 'contract.yaml'))) {
      products.push(await loadProduct(join(directory, name), name))
    }
  }
  const views = products.flatMap((product) => product.views.map((view) => view.name))
  const twice = views.find((view, index) => views.indexOf(view) !== index)
  if (twice) {
    throw new PlatformError(
      'product.invalid',
      `view "${twice}" is defined twice: rename one of them`,
    )
  }
  return products
}

async function loadProduct(directory: string, name: string): Promise<Product> {
  const file = join(directory, 'contract.yaml')
  const current = await loadContract(file)
  if (current.contract.product !== name) {
    throw new PlatformError(
      'product.invalid',
      `${file}: the contract names product "${current.contract.product}", its folder "${name}": make them the same`,
    )
  }
  const past = await loadPastContracts(join(directory, 'past-contracts'))
  const clash = past.find((one) => one.contract.version === current.contract.version)
  if (clash) {
    throw new PlatformError(
      'product.invalid',
      `${file}: version ${clash.contract.version} also stands in past-contracts: give the new contract a new version`,
    )
  }
  const features = await importIfThere<{ views?: readonly ViewDefinition[] }>(
    join(directory, 'features.ts'),
  )
  const source = await importIfThere<{ csv?: CsvSource }>(join(directory, 'source.ts'))
  const views = features?.views ?? []
  checkViews(current.contract, views)
  return {
    name,
    contract: current.contract,
    documents: [...past.map((one) => one.document), current.document],
    views,
    ...(source?.csv ? { csv: source.csv } : {}),
    files: { directory, contract: file },
  }
}

async function loadPastContracts(directory: string) {
  if (!(await exists(directory))) return []
  const files = (await readdir(directory)).filter((file) => file.endsWith('.yaml')).sort()
  return Promise.all(files.map((file) => loadContract(join(directory, file))))
}

async function loadContract(file: string): Promise<{ contract: Contract; document: JsonValue }> {
  const parsed = parseContract(await readFile(file, 'utf8'), { file })
  if (parsed.ok) return parsed
  const lines = parsed.problems.map((p) => `${p.file}:${p.line}:${p.column}: ${p.message}`)
  throw new PlatformError('product.invalid', lines.join('\n'), { context: { file } })
}

async function importIfThere<Module>(file: string): Promise<Module | undefined> {
  if (!(await exists(file))) return undefined
  return (await import(pathToFileURL(file).href)) as Module
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return false
      throw error
    },
  )
}
