import { execFile } from 'node:child_process'
import { basename, dirname } from 'node:path'
import { promisify } from 'node:util'
import { PlatformError } from '#lib/domain/kernel/errors.ts'

const execute = promisify(execFile)
/** More than a contract may have. */
const MAX_BYTES = 8 * 1024 * 1024

/**
 * The text of a file as it stands at a git ref; undefined if it is not there. Throws `git.unavailable`,
 * `git.noRepository` or `git.unknownRef` with one line.
 */
export async function fileAtRef(ref: string, file: string): Promise<string | undefined> {
  const directory = dirname(file)
  // The commit first: what follows takes a name of 40 digits, and never a ref that looks like an option.
  const commit = await commitOf(directory, ref)
  const path = `${commit}:./${basename(file)}`
  if ((await git(directory, ['cat-file', '-t', path])).output.trim() !== 'blob') return undefined
  return (await git(directory, ['cat-file', 'blob', path])).output
}

/** The names of files in a folder as it stands at a git ref; none if it is not there. Throws likewise. */
export async function filesAtRef(ref: string, directory: string): Promise<readonly string[]> {
  const parent = dirname(directory)
  const commit = await commitOf(parent, ref)
  const { output } = await git(parent, [
    'ls-tree',
    '--name-only',
    `${commit}:./${basename(directory)}`,
  ])
  return output.split('\n').filter((name) => name !== '')
}

async function commitOf(directory: string, ref: string): Promise<string> {
  const found = await git(directory, [
    'rev-parse',
    '--verify',
    '--quiet',
    '--end-of-options',
    `${ref}^{commit}`,
  ])
  if (found.exitCode === 0) return found.output.trim()
  const inside = await git(directory, ['rev-parse', '--is-inside-work-tree'])
  if (inside.exitCode !== 0) {
    throw new PlatformError('git.noRepository', `${directory} is in no git repository`)
  }
  throw new PlatformError('git.unknownRef', `git knows no commit ${JSON.stringify(ref)}`)
}

async function git(
  directory: string,
  args: readonly string[],
): Promise<{ output: string; exitCode: number }> {
  try {
    const { stdout } = await execute('git', ['-C', directory, ...args], {
      maxBuffer: MAX_BYTES,
      // Messages in the words of no country, and nobody asked for a password.
      env: { ...process.env, LC_ALL: 'C', GIT_TERMINAL_PROMPT: '0' },
    })
    return { output: stdout, exitCode: 0 }
  } catch (error) {
    const { code } = error as { code?: unknown }
    if (typeof code === 'number') return { output: '', exitCode: code }
    throw new PlatformError('git.unavailable', `git cannot be run (${String(code)})`, {
      cause: error,
    })
  }
}
