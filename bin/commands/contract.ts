import { globSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import type { Command } from 'commander'
import { type ContractProblem, parseContract } from '#lib/domain/contract/parse-contract.ts'
import type { CommandContext } from './context.ts'
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
  const files =
    targets.length === 0
      ? contractsIn(context.root)
      : targets.map((target) => fileOf(context.root, target))
  if (files.length === 0)
    throw new CommandError('contract.none', 'there is no products/*/contract.yaml to check')
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

function contractsIn(root: string): string[] {
  return globSync('products/*/contract.yaml', { cwd: root })
    .sort()
    .map((file) => join(root, file))
}

/** A product's name, unless it looks like a path. */
function fileOf(root: string, target: string): string {
  const isPath = target.includes('/') || /\.ya?ml$/.test(target)
  if (isPath) return join(target.startsWith('/') ? '' : process.cwd(), target)
  const known = contractsIn(root).map((file) => file.split('/').at(-2)!)
  if (known.includes(target)) return join(root, 'products', target, 'contract.yaml')
  throw new CommandError(
    'product.unknown',
    `unknown product "${target}": known are ${known.join(', ') || 'none yet'}; a file is given with its path`,
  )
}

async function textOf(path: string, file: string): Promise<string> {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(await readFile(path))
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const why =
      code === 'ENOENT'
        ? 'there is no such file'
        : code === 'EISDIR'
          ? 'is a directory, not a file'
          : code === 'ERR_ENCODING_INVALID_ENCODED_DATA'
            ? 'is not valid UTF-8'
            : `cannot be read (${code})`
    throw new CommandError('file.unreadable', `${file}: ${why}`)
  }
}

export const registerContract: Register = (program, run) => {
  const contract = program
    .command('contract')
    .summary('check contracts')
    .description('Works on contracts, without a cloud.')
  contract.helpCommand(false)
  contract
    .command('check')
    .summary('whether contracts are valid')
    .description(
      'Reads contracts as the build does, and says what is wrong: file:line:column: message.',
    )
    .argument('[target...]', 'products or contract files (default: every product)')
    .option('--against <ref>', 'a git ref or file to compare with (not available yet)')
    .addHelpText(
      'after',
      [
        '',
        'Examples:',
        '  npm run weir -- contract check',
        '  npm run weir -- contract check trips',
        '  npm run weir -- contract check drafts/contract.yaml',
        '',
        'With --json: {valid, files: [{file, product, version, problems: [{line, column, message}]}]}. Exit 1 if one is not valid.',
      ].join('\n'),
    )
    .action((targets: string[], options: { against?: string }, command: Command) =>
      run(command, async (context) => {
        if (options.against !== undefined) {
          throw new CommandError(
            'contract.against',
            'contract check --against is not available yet: without it, validity is checked',
            { exitCode: 2 },
          )
        }
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
