import { relative } from 'node:path'
import type { Command } from 'commander'
import { type ContractProblem, parseContract } from '#lib/domain/contract/parse-contract.ts'
import type { CommandContext } from './context.ts'
import { compareWith, comparisonLines } from './contract-against.ts'
import { contractTargets, textOf } from './contract-files.ts'
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

/** Reads contracts as the build does. `targets` are products or files; none means all of the project. */
export async function checkContracts(
  context: Pick<CommandContext, 'root'>,
  targets: readonly string[],
): Promise<ContractCheck> {
  const files = await contractTargets(context.root, targets)
  const checked = await Promise.all(
    files.map(async (path) => {
      const file = relative(process.cwd(), path) || path
      const parsed = parseContract(await textOf(path, file), { file })
      if (parsed.ok) {
        const { product, version } = parsed.contract
        return { file, product, version, problems: [] }
      }
      const problems = parsed.problems.map(({ line, column, message }) => ({
        line,
        column,
        message,
      }))
      return { file, product: null, version: null, problems }
    }),
  )
  return { valid: checked.every((one) => one.problems.length === 0), files: checked }
}

export const registerContract: Register = (program, run) => {
  const contract = program
    .command('contract')
    .summary('check contracts')
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
