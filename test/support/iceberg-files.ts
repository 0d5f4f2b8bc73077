import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { readersPython } from './parquet-readers.ts'

export type Engine = 'pyiceberg' | 'duckdb'

export interface FilesRead {
  readonly folder: string
  /** SQL that gives text. */
  readonly columns: readonly string[]
  readonly engines: readonly Engine[]
  /** In digits. */
  readonly snapshot?: string
}

export interface FilesPlan {
  readonly files: number
  readonly planned: number
  readonly pyiceberg: number
  readonly duckdb: number
}

type Rows = readonly (readonly (string | null)[])[]

/** PyIceberg and DuckDB in a process of their own, for tables that stand in files. */
export class IcebergFiles {
  readonly #process: ChildProcess
  readonly #answers: AsyncIterator<string>

  private constructor(process: ChildProcess) {
    this.#process = process
    this.#answers = createInterface({ input: process.stdout! })[Symbol.asyncIterator]()
  }

  static async start(): Promise<IcebergFiles> {
    const script = join(import.meta.dirname, 'iceberg_files.py')
    const python = await readersPython()
    return new IcebergFiles(spawn(python, [script], { stdio: ['pipe', 'pipe', 'inherit'] }))
  }

  /** All rows, in the order of their text. */
  async read(request: FilesRead): Promise<Partial<Record<Engine, Rows>>> {
    return (await this.#ask({ do: 'read', ...request })) as never
  }

  /** How many rows match a filter that both engines understand, and how many files are opened for it. */
  async plan(folder: string, filter: string): Promise<FilesPlan> {
    return (await this.#ask({ do: 'plan', folder, filter })) as never
  }

  /** PyIceberg appends once more what matches. */
  async append(folder: string, filter: string): Promise<number> {
    return ((await this.#ask({ do: 'append', folder, filter })) as { rows: number }).rows
  }

  /** PyIceberg deletes what matches. */
  async delete(folder: string, filter: string): Promise<void> {
    await this.#ask({ do: 'delete', folder, filter })
  }

  stop(): void {
    this.#process.stdin?.end()
  }

  async #ask(request: object): Promise<unknown> {
    this.#process.stdin!.write(`${JSON.stringify(request)}\n`)
    const answer = await this.#answers.next()
    if (answer.done) throw new Error('the engines ended; their stderr says why')
    const parsed = JSON.parse(answer.value) as { error?: string }
    if (parsed.error) throw new Error(parsed.error)
    return parsed
  }
}
