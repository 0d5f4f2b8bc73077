import { fileURLToPath } from 'node:url'
import { COMMANDS } from './commands/all.ts'
import { runProgram } from './commands/program.ts'

/** The command line: everything it does is in `commands/`. */
async function main(): Promise<void> {
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    // More than one may come for one key press: from the terminal, from npm, from the script that started us.
    process.on(signal, () => {
      if (stop.signal.aborted) return
      stop.abort()
      // Whatever does not listen to the abort is cut off; what it left half done, its repeat finishes.
      setTimeout(() => process.exit(130), 2_000).unref()
    })
  }
  process.exitCode = await runProgram(process.argv.slice(2), COMMANDS, {
    root: fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, ''),
    environment: process.env,
    stdout: process.stdout,
    stderr: process.stderr,
    signal: stop.signal,
  })
}

await main()
