import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { onTestFinished } from 'vitest'
import { COMMANDS } from '../../bin/commands/all.ts'
import { runProgram } from '../../bin/commands/program.ts'

/** A project folder of a test's own, on which commands run in this process; gone when the test has ended. */
export class TestProject {
  readonly root = mkdtempSync(join(tmpdir(), 'weir-project-'))

  constructor(files: Readonly<Record<string, string>> = {}) {
    onTestFinished(() => rmSync(this.root, { recursive: true, force: true }))
    for (const [file, text] of Object.entries(files)) this.write(file, text)
  }

  write(file: string, text: string): void {
    const path = join(this.root, file)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text)
  }

  read(file: string): string {
    return readFileSync(join(this.root, file), 'utf8')
  }

  /** Runs a command line. Nothing listens where it would look for a local cloud. */
  async weir(...args: readonly string[]) {
    const written = { stdout: '', stderr: '' }
    const kept = { ...process.env }
    try {
      const exitCode = await runProgram(args, COMMANDS, {
        root: this.root,
        // The SDK reads its settings from the process itself.
        environment: Object.assign(process.env, { WEIR_PORT: '9' }),
        stdout: { write: (text) => (written.stdout += text) },
        stderr: { write: (text) => (written.stderr += text) },
        signal: new AbortController().signal,
      })
      return { exitCode, ...written }
    } finally {
      process.env = kept
    }
  }
}
