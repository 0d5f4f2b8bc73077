import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { INTERRUPTED, type Register, runProgram } from './program.ts'

/** What does not listen to a request to stop is cut off after this long. */
const GRACE_MS = 2_000
const ROOT = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '')

/** Runs a command line as this process: its arguments, its streams, its signals, its exit code. */
export async function runAsProcess(registers: readonly Register[]): Promise<void> {
  for (const stream of [process.stdout, process.stderr]) {
    // A reader that has seen enough (`| head`) ends no work: the rest is written to nobody.
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error
    })
  }
  standWhereThePersonStood()
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    // More than one may come for one key press: from the terminal, from npm, from the script that started us.
    process.on(signal, () => {
      if (stop.signal.aborted) return
      stop.abort()
      // What is left half done then, its repeat finishes.
      setTimeout(() => {
        // Said already if the command itself has ended, and only something that it opened has not.
        if (process.exitCode === undefined) process.stderr.write('weir: interrupted\n')
        process.exit(INTERRUPTED)
      }, GRACE_MS).unref()
    })
  }
  process.exitCode = await runProgram(process.argv.slice(2), registers, {
    root: ROOT,
    environment: process.env,
    stdout: process.stdout,
    stderr: process.stderr,
    signal: stop.signal,
  })
}

/** npm runs its scripts in the project's folder; files that a person names are where that person was. */
function standWhereThePersonStood(): void {
  const stood = process.env.INIT_CWD
  if (stood === undefined || process.cwd() !== ROOT || !existsSync(stood)) return
  process.chdir(stood)
}
