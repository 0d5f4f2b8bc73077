import { readdir, readFile, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type ContractSource, sourceLines } from '#lib/domain/contract/contract-source.ts'
import { versionsOf } from '#lib/domain/contract/contract-versions.ts'
import type { DocumentPath } from '#lib/domain/contract/document-node.ts'
import { placeOfCustom } from '#lib/domain/contract/document-places.ts'
import { type ContractProblem, parseContract } from '#lib/domain/contract/parse-contract.ts'
import type { Product } from '#lib/domain/contract/product.ts'
import { compareVersions, majorOf } from '#lib/domain/contract/version.ts'
import type { CsvSource } from '#lib/domain/ingest/csv-mapping.ts'
import { hasCode } from '#lib/domain/kernel/errors.ts'
import { checkViews } from '#lib/domain/process/check-views.ts'
import { contractOfView, type ViewDefinition } from '#lib/domain/process/view.ts'

/** The folder of a product's earlier contracts, one file per version. */
export const PAST_CONTRACTS = 'past-contracts'

export type ProductReading =
  | { readonly ok: true; readonly product: Product }
  | { readonly ok: false; readonly problems: readonly ContractProblem[] }

/**
 * The product in the folder `<root>/products/<name>`: `contract.yaml`; `past-contracts/*.yaml`, earlier versions that raw
 * objects may still name; `features.ts`, which exports `views`; `source.ts`, which exports `csv`. Or what is wrong with it.
 */
export async function readProduct(root: string, name: string): Promise<ProductReading> {
  const directory = join(root, 'products', name)
  try {
    return { ok: true, product: await productIn(directory, name) }
  } catch (error) {
    if (error instanceof Unfit) return { ok: false, problems: error.problems }
    throw error
  }
}

class Unfit extends Error {
  readonly problems: readonly ContractProblem[]
  constructor(problems: readonly ContractProblem[]) {
    super(problems[0]?.message)
    this.problems = problems
  }
}

async function productIn(directory: string, name: string): Promise<Product> {
  const file = join(directory, 'contract.yaml')
  const current = await contractIn(file)
  const past = await pastContracts(join(directory, PAST_CONTRACTS), name)
  const sources = [...past, current]
  checkNames(current, past, name)
  const features = join(directory, 'features.ts')
  const views = (await exported<readonly ViewDefinition[]>(features, 'views')) ?? []
  await checkEachView(features, views, sources)
  const csv = await exported<CsvSource>(join(directory, 'source.ts'), 'csv')
  return {
    name,
    contract: current.contract,
    documents: sources.map((one) => one.document),
    sources,
    views,
    ...(csv === undefined ? {} : { csv }),
    files: { directory, contract: file },
  }
}

function checkNames(current: ContractSource, past: readonly ContractSource[], name: string): void {
  const { product, version, undeclaredMajor } = current.contract
  if (product !== name) {
    refuse(
      current,
      ['dataProduct'],
      `the contract names product "${product}", its folder "${name}": make them the same`,
    )
  }
  const newest = past.at(-1)
  if (newest !== undefined && compareVersions(newest.contract.version, version) >= 0) {
    refuse(
      current,
      ['version'],
      `${newest.file} already has version ${newest.contract.version}: give the new contract a newer one than ${version}`,
    )
  }
  const majors = [...past, current].map((one) => majorOf(one.contract.version))
  if (undeclaredMajor !== undefined && !majors.includes(undeclaredMajor)) {
    refuse(
      current,
      placeOfCustom(current.document, [], 'weir.undeclaredMajor'),
      `weir.undeclaredMajor is ${undeclaredMajor}, but ${PAST_CONTRACTS} has no version of that major`,
    )
  }
}

/** Oldest first. Their names are their versions, so that two cannot be the same. */
async function pastContracts(directory: string, product: string): Promise<ContractSource[]> {
  if (!(await exists(directory))) return []
  const files = (await readdir(directory)).filter((file) => file.endsWith('.yaml'))
  const past = await Promise.all(files.map((file) => contractIn(join(directory, file))))
  for (const source of past) {
    const { file, contract } = source
    const expected = `${contract.version}.yaml`
    if (basename(file) === expected && contract.product === product) continue
    refuse(
      source,
      ['version'],
      `this is version ${contract.version} of ${contract.product}: name it ${product}/${PAST_CONTRACTS}/${expected}`,
    )
  }
  return past.sort((a, b) => compareVersions(a.contract.version, b.contract.version))
}

async function contractIn(file: string): Promise<ContractSource> {
  if (!(await exists(file))) {
    unfit(file, 'a product is a folder with a contract: write this file, or remove the folder')
  }
  const text = utf8Text(file, await readFile(file))
  const parsed = parseContract(text, { file })
  if (!parsed.ok) throw new Unfit(parsed.problems)
  return { file, text, contract: parsed.contract, document: parsed.document }
}

function utf8Text(file: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return unfit(file, 'is not valid UTF-8: save it as UTF-8')
  }
}

/** Types are gone when the file runs: what a view is made of is looked at here, each with its line. */
async function checkEachView(
  file: string,
  views: readonly ViewDefinition[],
  sources: readonly ContractSource[],
): Promise<void> {
  if (!Array.isArray(views)) unfit(file, '"views" must be a list of views')
  const versions = versionsOf(sources.map((one) => one.contract))
  const problems: ContractProblem[] = []
  for (const view of views) {
    if (typeof view !== 'object' || view === null) unfit(file, '"views" must be a list of views')
    try {
      checkViews(contractOfView(view, versions), [view])
    } catch (error) {
      if (!hasCode(error, 'view.invalid')) throw error
      const line = await lineOf(file, String(view.name))
      problems.push({ file, line, column: 1, message: error.message })
    }
  }
  if (problems.length > 0) throw new Unfit(problems)
}

/** Where the name stands in quotes; 1 if it is put together from others. */
async function lineOf(file: string, name: string): Promise<number> {
  const lines = (await readFile(file, 'utf8')).split('\n')
  const quoted = ["'", '"', '`'].map((quote) => `${quote}${name}${quote}`)
  const at = lines.findIndex((line) => quoted.some((text) => line.includes(text)))
  return Math.max(at, 0) + 1
}

/** What a file of the product exports under a name; undefined if there is no such file. */
async function exported<Value>(file: string, name: string): Promise<Value | undefined> {
  if (!(await exists(file))) return undefined
  let module: Readonly<Record<string, unknown>>
  try {
    module = await import(pathToFileURL(file).href)
  } catch (error) {
    const [first] = String((error as Error).message).split('\n')
    return unfit(file, `cannot be loaded: ${first}`)
  }
  if (module[name] === undefined) {
    unfit(file, `exports no "${name}": add "export const ${name}", or remove the file`)
  }
  return module[name] as Value
}

function refuse(source: ContractSource, path: DocumentPath, message: string): never {
  const { file, line } = sourceLines(source)(path)
  throw new Unfit([{ file, line, column: 1, message }])
}

function unfit(file: string, message: string): never {
  throw new Unfit([{ file, line: 1, column: 1, message }])
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
