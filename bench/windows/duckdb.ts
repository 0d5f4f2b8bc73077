import { join } from 'node:path'
import { ensureVenv } from '#local/local-cloud.ts'
import { commandOutput } from './command-output.ts'

const root = join(import.meta.dirname, '../..')
const script = join(import.meta.dirname, 'duck.py')
const REPEATS = 3

export interface DuckRun {
  readonly version: string
  readonly answer: readonly string[]
  /** Of the processor, one for each repeat. */
  readonly seconds: readonly number[]
}

/** The DuckDB that the integration tests have. */
export class DuckDb {
  readonly #python: string

  private constructor(python: string) {
    this.#python = python
  }

  static async find(): Promise<DuckDb> {
    const requirements = join(root, 'test/integration/requirements.txt')
    return new DuckDb(await ensureVenv(join(root, '.weir'), requirements))
  }

  tumbling(file: string): Promise<DuckRun> {
    return this.#run(file, 10_000, 10_000)
  }

  sliding(file: string): Promise<DuckRun> {
    return this.#run(file, 60_000, 1_000)
  }

  async #run(file: string, windowMs: number, slideMs: number): Promise<DuckRun> {
    const args = [script, file, REPEATS, windowMs, slideMs].map(String)
    return JSON.parse(commandOutput(this.#python, args))
  }
}
