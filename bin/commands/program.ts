import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Command, CommanderError } from 'commander'
import type { CommandContext } from './context.ts'
import { CommandError, type FailureReport, reportOf } from './failure.ts'
import { applyTarget, resolveTarget } from './target.ts'
import { type Input, type Output, Terminal } from './terminal.ts'

/** Where a program runs: passed in, so that a test can run it whole. */
export interface ProgramEnvironment {
  readonly root: string
  readonly environment: NodeJS.ProcessEnv
  readonly stdout: Output
  readonly stderr: Output
  /** Who may be asked, if anybody. */
  readonly stdin?: Input
  readonly signal: AbortSignal
}

/** Runs a command's work with its context; failures become one line and an exit code. */
export type Run = (
  command: Command,
  work: (context: CommandContext) => Promise<void>,
) => Promise<void>

/** Adds one command to the program. */
export type Register = (program: Command, run: Run) => void

export const INTERRUPTED = 130

/** Runs the command line and answers its exit code. Nothing else ends the process or throws. */
export async function runProgram(
  args: readonly string[],
  registers: readonly Register[],
  where: ProgramEnvironment,
): Promise<number> {
  let exitCode = 0
  const run: Run = async (command, work) => {
    exitCode = await runWork(command, work, where)
  }
  const program = buildProgram(registers, run, where)
  try {
    await program.parseAsync([...args], { from: 'user' })
    return exitCode
  } catch (error) {
    if (error instanceof CommanderError) {
      // Help that was asked for is no failure; commander has said the rest in its one line.
      if (error.exitCode === 0) return 0
      if (args.includes('--json')) {
        const message = error.message.replace(/^error: /, '').replace(/\s*\n\s*/g, ' ')
        where.stdout.write(`${JSON.stringify({ error: { code: error.code, message } })}\n`)
      }
      return 2
    }
    throw error
  }
}

/** The program with all commands. */
export function buildProgram(
  registers: readonly Register[],
  run: Run,
  where: Pick<ProgramEnvironment, 'stdout' | 'stderr'>,
): Command {
  const program = new Command('weir')
    .description('Contracts in, exactly-once tables and features out: runs and asks a Weir lake.')
    .usage('<command> [options]')
    .version(ownVersion(), '--version', 'print the version')
    .showSuggestionAfterError(true)
    // Options behind the name of a command are that command's.
    .enablePositionalOptions()
    .helpCommand(false)
    .addHelpText(
      'after',
      [
        '',
        'Every command takes --cloud local|aws, and --json: one JSON document on stdout (npm run -s weir',
        'keeps npm itself from printing there).',
        'WEIR_PORT sets the port of the local cloud, WEIR_CLOUD the default of --cloud;',
        'AWS_ENDPOINT_URL, where it is set, names the cloud instead. WEIR_DEBUG=1 shows stack traces.',
      ].join('\n'),
    )
  for (const register of registers) register(program, run)
  for (const command of allOf(program)) {
    command.exitOverride()
    command.configureOutput({
      writeOut: (text) => where.stdout.write(text),
      writeErr: (text) => where.stderr.write(text),
      outputError: (text, write) =>
        write(
          `weir: ${text
            .replace(/^error: /, '')
            .replace(/\s*\n\s*/g, ' ')
            .trim()}\n`,
        ),
    })
    // One that only holds others does nothing itself.
    if (command.commands.length === 0 || command.registeredArguments.length > 0) {
      command.option('--json', 'print one JSON document to stdout')
      command.option('--cloud <name>', '"local" or "aws" (default: local)')
    }
  }
  return program
}

/** What a person stopped ends in one line, whatever broke off on the way; some commands know more to say. */
function interrupted(error: unknown): FailureReport {
  const known = error instanceof CommandError && error.code.endsWith('.interrupted')
  const report = known ? reportOf(error) : { code: 'interrupted', message: 'interrupted' }
  return { ...report, exitCode: INTERRUPTED }
}

function ownVersion(): string {
  const file = new URL('../../package.json', import.meta.url)
  return JSON.parse(readFileSync(file, 'utf8')).version
}

function allOf(command: Command): Command[] {
  return [command, ...command.commands.flatMap(allOf)]
}

async function runWork(
  command: Command,
  work: (context: CommandContext) => Promise<void>,
  where: ProgramEnvironment,
): Promise<number> {
  const options = command.opts<{ json?: boolean; cloud?: string }>()
  const terminal = new Terminal({ json: options.json ?? false, ...where })
  try {
    const target = resolveTarget(where.environment, options.cloud)
    applyTarget(target, where.environment)
    const { root, signal } = where
    await work({ root, stateDir: join(root, '.weir'), target, terminal, signal })
    return 0
  } catch (error) {
    terminal.restore()
    const { code, message, exitCode } = where.signal.aborted ? interrupted(error) : reportOf(error)
    const document = error instanceof CommandError ? error.document : undefined
    terminal.document(document ?? { error: { code, message } })
    for (const line of message.split('\n')) terminal.problem(`weir: ${line}`)
    if (where.environment.WEIR_DEBUG && error instanceof Error) terminal.problem(error.stack ?? '')
    return exitCode
  } finally {
    terminal.restore()
  }
}
