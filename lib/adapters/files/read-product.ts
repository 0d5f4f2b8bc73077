import { readdir, readFile, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type ContractSource, sourceLines } from '#lib/domain/contract/contract-source.ts'
import { versionsOf } from '#lib/domain/contract/contract-versions.ts'
import type { DocumentPath } from '#lib/domain/contract/document-node.ts'
import { placeOfCustom } from '#lib/domain/contract/document-places.ts'
import { type ContractProblem, parseContract } from '#lib/domain/contract/parse-contract.ts'
import type { Product } from '#lib/domain/contract/product.ts'
import { compareVersions, majorOf } from '#lib/domain/contract/version.ts'
import type { DecisionDefinition } from '#lib/domain/features/decide/decision.ts'
import { typedDecision } from '#lib/domain/features/decide/typed-decision.ts'
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
 * objects may still name; `features.ts`, which exports `views`; `decisions.ts`, which exports `decisions`; `source.ts`, which
 * exports `csv`. With the views and decisions of other folders that name it as their source. Or what is wrong with it.
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

/** Views and decisions that name a source which is no product, in any folder of `<root>/products`. */
export async function strayDefinitions(
  root: string,
  products: readonly string[],
): Promise<readonly ContractProblem[]> {
  const problems: ContractProblem[] = []
  for (const folder of await definitionFolders(join(root, 'products'))) {
    for (const [fileName, name] of DEFINITIONS) {
      const file = join(folder, fileName)
      try {
        for (const one of await definitionsIn(file, name)) {
          const source = one.source ?? basename(folder)
          if (products.includes(source)) continue
          const line = await lineOf(file, String(one.name))
          const message = `"${one.name}" is of product "${source}", which there is not: state its source`
          problems.push({ file, line, column: 1, message })
        }
      } catch (error) {
        if (!(error instanceof Unfit)) throw error
        problems.push(...error.problems)
      }
    }
  }
  return problems
}

const DEFINITIONS = [
  ['features.ts', 'views'],
  ['decisions.ts', 'decisions'],
] as const

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
  const folders = await definitionFolders(dirname(directory))
  const views = await viewsOf(name, folders, sources)
  const decisions = await decisionsOf(name, folders, sources, views)
  const csv = await exported<CsvSource>(join(directory, 'source.ts'), 'csv')
  return {
    name,
    contract: current.contract,
    documents: sources.map((one) => one.document),
    sources,
    views,
    decisions,
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

/** The folders beside a product's, and its own, that define something: views and decisions may stand apart from a contract. */
async function definitionFolders(products: string): Promise<readonly string[]> {
  const entries = await readdir(products, { withFileTypes: true })
  return entries
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
    .map((entry) => join(products, entry.name))
    .sort()
}

interface Definition {
  readonly name: string
  readonly source?: string
}

/** What `features.ts` or `decisions.ts` of a folder defines for a product: without a source it is the folder's own. */
async function definedFor<One extends Definition>(
  product: string,
  file: string,
  name: 'views' | 'decisions',
): Promise<readonly One[]> {
  const folder = basename(dirname(file))
  try {
    const all = await definitionsIn<One>(file, name)
    return all.filter(({ source = folder }) => source === product)
  } catch (error) {
    // What is wrong with another folder is told where that is read.
    if (error instanceof Unfit && folder !== product) return []
    throw error
  }
}

async function definitionsIn<One extends Definition>(
  file: string,
  name: 'views' | 'decisions',
): Promise<readonly One[]> {
  const all = (await exported<unknown>(file, name)) ?? []
  const isList = Array.isArray(all) && all.every((one) => typeof one === 'object' && one !== null)
  return isList ? all : unfit(file, `"${name}" must be a list of ${name}`)
}

async function viewsOf(
  product: string,
  folders: readonly string[],
  sources: readonly ContractSource[],
): Promise<readonly ViewDefinition[]> {
  const versions = versionsOf(sources.map((one) => one.contract))
  return await checkedAll(folders, 'features.ts', async (file, check) => {
    const views = await definedFor<ViewDefinition>(product, file, 'views')
    for (const view of views) {
      await check(view, () => checkViews(contractOfView(view, versions), [view]))
    }
    return views
  })
}

async function decisionsOf(
  product: string,
  folders: readonly string[],
  sources: readonly ContractSource[],
  views: readonly ViewDefinition[],
): Promise<readonly DecisionDefinition[]> {
  const contracts = versionsOf(sources.map((one) => one.contract))
  return await checkedAll(folders, 'decisions.ts', async (file, check) => {
    const decisions = await definedFor<DecisionDefinition>(product, file, 'decisions')
    for (const one of decisions)
      await check(one, () => void typedDecision(one, { contracts, views }))
    return decisions
  })
}

type Check = (definition: { readonly name: string }, attempt: () => void) => Promise<void>

/** Types are gone when a file runs: what a definition is made of is looked at here, each with its line. */
async function checkedAll<Definition>(
  folders: readonly string[],
  fileName: string,
  read: (file: string, check: Check) => Promise<readonly Definition[]>,
): Promise<readonly Definition[]> {
  const problems: ContractProblem[] = []
  const all: Definition[] = []
  for (const folder of folders) {
    const file = join(folder, fileName)
    const check: Check = async ({ name }, attempt) => {
      try {
        attempt()
      } catch (error) {
        if (!hasCode(error, 'view.invalid') && !hasCode(error, 'decision.invalid')) throw error
        const line = await lineOf(file, String(name))
        problems.push({ file, line, column: 1, message: error.message })
      }
    }
    all.push(...(await read(file, check)))
  }
  if (problems.length > 0) throw new Unfit(problems)
  return all
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
