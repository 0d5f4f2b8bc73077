import { relative } from 'node:path'
import type { Command } from 'commander'
import { loadProducts } from '#lib/adapters/files/product-files.ts'
import { readProduct } from '#lib/adapters/files/read-product.ts'
import { type ContractProblem, parseContract } from '#lib/domain/contract/parse-contract.ts'
import type { CommandContext } from './context.ts'
import { compareWith, comparisonLines } from './contract-against.ts'
import { registerDocs } from './contract-docs.ts'
import { registerFields } from './contract-fields.ts'
import { type ContractTarget, contractTargets, textOf } from './contract-files.ts'
import { registerTypes } from './contract-types.ts'
import { CommandError } from './failure.ts'
import type { Register } from './program.ts'
import { counted } from './terminal.ts'

export interface ContractCheck {
  readonly valid: boolean
  readonly files: readonly {
    readonly file: string
    readonly product: string | null
    readonly version: string | null
    readonly problems: readonly Omit<ContractProblem, 'file'>[]
  }[]
}

/**
 * Reads contracts as the build does, and of a product the files beside its contract too. `targets` are products or files;
 * none means all of the project.
 */
export async function checkContracts(
  context: Pick<CommandContext, 'root'>,
  targets: readonly string[],
): Promise<ContractCheck> {
  const found = await contractTargets(context.root, targets)
  const checked = await Promise.all(found.map((target) => checkTarget(context.root, target)))
  const files = checked.flat()
  const valid = files.every((one) => one.problems.length === 0)
  // What they owe to each other is told by loading them all.
  if (valid && targets.length === 0) await loadProducts(context.root)
  return { valid, files }
}

type CheckedFile = ContractCheck['files'][number]

async function checkTarget(
  root: string,
  { path, product }: ContractTarget,
): Promise<readonly CheckedFile[]> {
  if (product === undefined) return [await checkFile(path)]
  const reading = await readProduct(root, product)
  if (reading.ok) return [await checkFile(path)]
  const files = [...new Set(reading.problems.map((one) => one.file))]
  const rest = files.map((file): CheckedFile => {
    const problems = reading.problems.filter((one) => one.file === file).map(withoutFile)
    return {
      file: shownPath(file),
      product: file === path ? null : product,
      version: null,
      problems,
    }
  })
  return files.includes(path) ? rest : [await checkFile(path), ...rest]
}

async function checkFile(path: string): Promise<CheckedFile> {
  const file = shownPath(path)
  const parsed = parseContract(await textOf(path, file), { file })
  if (!parsed.ok) {
    return { file, product: null, version: null, problems: parsed.problems.map(withoutFile) }
  }
  const { product, version } = parsed.contract
  return { file, product, version, problems: [] }
}

function withoutFile({ line, column, message }: ContractProblem): CheckedFile['problems'][number] {
  return { line, column, message }
}

function shownPath(path: string): string {
  return relative(process.cwd(), path) || path
}

export const registerContract: Register = (program, run) => {
  const contract = program
    .command('contract')
    .summary('check contracts, and make types and pages of them')
    .description('Works on contracts, without a cloud.')
  contract.helpCommand(false)
  contract
    .command('check')
    .summary('whether contracts are valid, and may follow what they were')
    .description(
      [
        'Reads contracts as the build does, and says what is wrong: file:line:column: message. With --against, says what',
        'changed since then, with both lines, and whether that breaks producers or readers.',
      ].join(' '),
    )
    .argument('[target...]', 'products or contract files (default: every product)')
    .option('--against <ref>', 'compare with a git ref, or with a file (*.yaml)')
    .addHelpText(
      'after',
      [
        '',
        'Examples:',
        '  npm run weir -- contract check',
        '  npm run weir -- contract check trips',
        '  npm run weir -- contract check drafts/contract.yaml',
        '  npm run weir -- contract check --against origin/main',
        '',
        'With --json: {valid, files: [{file, product, version, problems: [{line, column, message}]}]}. Exit 1 if one is not valid.',
        'With --against: {compatible, breaking, changes: [{kind, field, message, breaking, before: {file, line, text}, after}],',
        'contracts: [{file, product, version, against, needs, problems}]}. Exit 1 on a break without a new major version, and on',
        'any change without a new version.',
      ].join('\n'),
    )
    .action((targets: string[], options: { against?: string }, command: Command) =>
      run(command, async (context) => {
        if (options.against !== undefined) return checkAgainst(context, targets, options.against)
        const result = await checkContracts(context, targets)
        if (!result.valid) {
          const lines = result.files.flatMap(({ file, problems }) =>
            problems.map((one) => `${file}:${one.line}:${one.column}: ${one.message}`),
          )
          throw new CommandError('contract.invalid', lines.join('\n'), { document: result })
        }
        context.terminal.document(result)
        for (const { file, product, version } of result.files) {
          context.terminal.line(`${file}: ${product} ${version} is valid`)
        }
        if (result.files.length > 1)
          context.terminal.line(`${counted(result.files.length, 'contract')} valid`)
      }),
    )
  registerFields(contract, run)
  registerTypes(contract, run)
  registerDocs(contract, run)
}

async function checkAgainst(
  { root, terminal }: CommandContext,
  targets: readonly string[],
  against: string,
): Promise<void> {
  const result = await compareWith(root, targets, against)
  const { changes, problems, verdicts } = comparisonLines(result)
  if (problems.length > 0) {
    throw new CommandError('contract.incompatible', [...changes, ...problems].join('\n'), {
      document: result,
    })
  }
  terminal.document(result)
  for (const line of [...changes, ...verdicts]) terminal.line(line)
}
