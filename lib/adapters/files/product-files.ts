import { readdir, readFile, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { ContractSource } from '#lib/domain/contract/contract-source.ts'
import { versionsOf } from '#lib/domain/contract/contract-versions.ts'
import { parseContract } from '#lib/domain/contract/parse-contract.ts'
import type { Product } from '#lib/domain/contract/product.ts'
import { compareVersions, majorOf } from '#lib/domain/contract/version.ts'
import type { CsvSource } from '#lib/domain/ingest/csv-mapping.ts'
import { PlatformError } from '#lib/domain/kernel/errors.ts'
import { checkViews } from '#lib/domain/process/check-views.ts'
import { contractOfView, type ViewDefinition } from '#lib/domain/process/view.ts'

/** The folder of a product's earlier contracts, one file per version. */
export const PAST_CONTRACTS = 'past-contracts'

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
  const past = await loadPastContracts(join(directory, PAST_CONTRACTS), name)
  const newest = past.at(-1)
  if (newest && compareVersions(newest.contract.version, current.contract.version) >= 0) {
    throw new PlatformError(
      'product.invalid',
      `${file}: ${newest.file} already has version ${newest.contract.version}: give the new contract a newer one than ${current.contract.version}`,
    )
  }
  const { undeclaredMajor } = current.contract
  if (undeclaredMajor !== undefined) {
    const majors = [...past, current].map((one) => majorOf(one.contract.version))
    if (!majors.includes(undeclaredMajor)) {
      throw new PlatformError(
        'product.invalid',
        `${file}: weir.undeclaredMajor is ${undeclaredMajor}, but ${PAST_CONTRACTS} has no version of that major`,
      )
    }
  }
  const features = await importIfThere<{ views?: readonly ViewDefinition[] }>(
    join(directory, 'features.ts'),
  )
  const source = await importIfThere<{ csv?: CsvSource }>(join(directory, 'source.ts'))
  const views = features?.views ?? []
  const versions = versionsOf([...past, current].map((one) => one.contract))
  for (const view of views) checkViews(contractOfView(view, versions), [view])
  return {
    name,
    contract: current.contract,
    documents: [...past, current].map((one) => one.document),
    sources: [...past, current],
    views,
    ...(source?.csv ? { csv: source.csv } : {}),
    files: { directory, contract: file },
  }
}

/** Oldest first. Their names are their versions, so that two cannot be the same. */
async function loadPastContracts(directory: string, product: string): Promise<ContractSource[]> {
  if (!(await exists(directory))) return []
  const files = (await readdir(directory)).filter((file) => file.endsWith('.yaml'))
  const past = await Promise.all(files.map((file) => loadContract(join(directory, file))))
  for (const { file, contract } of past) {
    const expected = `${contract.version}.yaml`
    if (basename(file) === expected && contract.product === product) continue
    throw new PlatformError(
      'product.invalid',
      `${file}: this is version ${contract.version} of ${contract.product}: name it ${product}/${PAST_CONTRACTS}/${expected}`,
    )
  }
  return past.sort((a, b) => compareVersions(a.contract.version, b.contract.version))
}

async function loadContract(file: string): Promise<ContractSource> {
  const text = await readFile(file, 'utf8')
  const parsed = parseContract(text, { file })
  if (parsed.ok) return { file, text, contract: parsed.contract, document: parsed.document }
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
