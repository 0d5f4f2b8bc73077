import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { ensureVenv } from '#local/local-cloud.ts'

const ROOT = join(import.meta.dirname, '../..')

export interface ReadRequest {
  readonly database: string
  readonly name: string
  /** Whose nulls are counted. */
  readonly columns: readonly string[]
  readonly sums: readonly string[]
  readonly extremes: readonly string[]
  /** A filter in SQL, and the same in PyIceberg's terms. */
  readonly where: string
  readonly rowFilter: string
  /** The table as of this snapshot, in digits. */
  readonly snapshot?: string
}

/** What an engine found: numbers for counts, text for sums and extremes. */
export type EngineAnswer = Readonly<Record<string, number | string | null>>

export interface ReadAnswer {
  readonly pyiceberg: EngineAnswer
  readonly duckdb: EngineAnswer
  /** Data files that PyIceberg would open, without and with the filter. */
  readonly files: number
  readonly filesFiltered: number
  readonly duckdbPlan: string
  /** Oldest first: the id in digits, what it did, its summary. */
  readonly snapshots: readonly (readonly [string, string, Readonly<Record<string, string>>])[]
  readonly properties: Readonly<Record<string, string>>
  /** As PyIceberg prints it. */
  readonly sortOrder: string
}

/** PyIceberg and DuckDB in a process of their own, which take the cloud's address from the environment. */
export class IcebergReaders {
  readonly #process: ChildProcess
  readonly #answers: AsyncIterator<string>

  private constructor(process: ChildProcess) {
    this.#process = process
    this.#answers = createInterface({ input: process.stdout! })[Symbol.asyncIterator]()
  }

  static async start(): Promise<IcebergReaders> {
    const python = await ensureVenv(
      process.env.WEIR_VENV_CACHE || join(ROOT, '.weir'),
      join(ROOT, 'test/integration/requirements.txt'),
    )
    const script = join(import.meta.dirname, 'iceberg_readers.py')
    return new IcebergReaders(spawn(python, [script], { stdio: ['pipe', 'pipe', 'inherit'] }))
  }

  /** The same questions to both engines. */
  async read(request: ReadRequest): Promise<ReadAnswer> {
    return (await this.#ask({ do: 'read', ...request })) as ReadAnswer
  }

  /** All rows with these columns, as text, in their order, as both engines read them. */
  async rows(request: {
    readonly database: string
    readonly name: string
    readonly columns: readonly string[]
  }): Promise<Record<'pyiceberg' | 'duckdb', readonly (readonly (string | null)[])[]>> {
    return (await this.#ask({ do: 'rows', ...request })) as never
  }

  /** PyIceberg appends all rows of the table to it once more. */
  async append(table: { readonly database: string; readonly name: string }): Promise<number> {
    return ((await this.#ask({ do: 'append', ...table })) as { rows: number }).rows
  }

  stop(): void {
    this.#process.stdin?.end()
  }

  async #ask(request: object): Promise<unknown> {
    this.#process.stdin!.write(`${JSON.stringify(request)}\n`)
    const answer = await this.#answers.next()
    if (answer.done) throw new Error('the reader process ended; its stderr says why')
    const parsed = JSON.parse(answer.value) as { error?: string }
    if (parsed.error) throw new Error(parsed.error)
    return parsed
  }
}
