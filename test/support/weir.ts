import { spawn } from 'node:child_process'
import { join } from 'node:path'

export const root = join(import.meta.dirname, '../..')

export interface CommandOutcome {
  readonly exitCode: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs the CLI from outside, as a person would. */
export function weir(
  args: readonly string[],
  options: { readonly env?: Record<string, string> } = {},
): Promise<CommandOutcome> {
  return run(process.execPath, [join(root, 'bin/weir.ts'), ...args], options)
}

/** Runs the CLI with `--json` and gives its document. Throws with what it said if it fails. */
export async function weirJson<Answer>(args: readonly string[]): Promise<Answer> {
  const outcome = await weir([...args, '--json'])
  if (outcome.exitCode !== 0) {
    throw new Error(`weir ${args.join(' ')}: exit ${outcome.exitCode}: ${outcome.stderr}`)
  }
  return JSON.parse(outcome.stdout) as Answer
}

export function run(
  command: string,
  args: readonly string[],
  options: { readonly env?: Record<string, string>; readonly cwd?: string } = {},
): Promise<CommandOutcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: options.cwd ?? root,
      env: { ...process.env, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let stdout = ''
    let stderr = ''
    child.stdout.on('data', (chunk) => {
      stdout += chunk
    })
    child.stderr.on('data', (chunk) => {
      stderr += chunk
    })
    child.on('error', reject)
    child.on('close', (exitCode) => resolve({ exitCode, stdout, stderr }))
  })
}
