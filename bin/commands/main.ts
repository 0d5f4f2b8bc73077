import { fileURLToPath } from 'node:url'
import { type Register, runProgram } from './program.ts'

/** What does not listen to a request to stop is cut off after this long. */
const GRACE_MS = 2_000
const INTERRUPTED = 130

/** Runs a command line as this process: its arguments, its streams, its signals, its exit code. */
export async function runAsProcess(registers: readonly Register[]): Promise<void> {
  for (const stream of [process.stdout, process.stderr]) {
    // A reader that has seen enough (`| head`) ends no work: the rest is written to nobody.
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error
    })
  }
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    // More than one may come for one key press: from the terminal, from npm, from the script that started us.
    process.on(signal, () => {
      if (stop.signal.aborted) return
      stop.abort()
      // What is left half done then, its repeat finishes.
      setTimeout(() => process.exit(INTERRUPTED), GRACE_MS).unref()
    })
  }
  process.exitCode = await runProgram(process.argv.slice(2), registers, {
    root: fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, ''),
    environment: process.env,
    stdout: process.stdout,
    stderr: process.stderr,
    signal: stop.signal,
  })
}
