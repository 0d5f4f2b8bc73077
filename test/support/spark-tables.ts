import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

const SOURCES = join(import.meta.dirname, '../spark')
/** Spark was made for a Java that still let everybody look inside of it. */
const OPENED = [
  'java.lang',
  'java.lang.invoke',
  'java.lang.reflect',
  'java.io',
  'java.net',
  'java.nio',
  'java.util',
  'java.util.concurrent',
  'java.util.concurrent.atomic',
  'sun.nio.ch',
  'sun.nio.cs',
  'sun.security.action',
  'sun.util.calendar',
].map((name) => `--add-opens=java.base/${name}=ALL-UNNAMED`)

type Rows = readonly (readonly (string | null)[])[]

/** Spark with iceberg-java, built by Maven, in a process of its own, for tables that stand in files. */
export class SparkTables {
  readonly #process: ChildProcess
  readonly #folder: string
  readonly #answers: AsyncIterator<string>

  private constructor(process: ChildProcess, folder: string) {
    this.#process = process
    this.#folder = folder
    this.#answers = createInterface({ input: process.stdout! })[Symbol.asyncIterator]()
  }

  /** Throws if there is no JDK or Maven, with what to install. */
  static start(): SparkTables {
    for (const [command, argument] of [
      ['javac', '-version'],
      ['mvn', '-version'],
    ] as const) {
      if (spawnSync(command, [argument]).status === 0) continue
      throw new Error(
        `there is no ${command}: install a JDK of 17 or newer and Maven (Debian and Ubuntu: apt-get install openjdk-17-jdk-headless maven)`,
      )
    }
    const folder = mkdtempSync(join(tmpdir(), 'weir-spark-'))
    cpSync(SOURCES, folder, { recursive: true })
    const classPath = join(folder, 'class-path.txt')
    const built = spawnSync(
      'mvn',
      ['-q', '-B', 'compile', 'dependency:build-classpath', `-Dmdep.outputFile=${classPath}`],
      { cwd: folder, encoding: 'utf8' },
    )
    if (built.status !== 0) throw new Error(`Maven failed: ${built.stdout}${built.stderr}`)
    const jars = `${join(folder, 'target/classes')}:${readFileSync(classPath, 'utf8').trim()}`
    const child = spawn('java', [...OPENED, '-Xmx2g', '-cp', jars, 'weir.SparkTables'], {
      cwd: folder,
      stdio: ['pipe', 'pipe', 'ignore'],
    })
    return new SparkTables(child, folder)
  }

  /** Runs statements of Spark's SQL, in which `{table}` is the table of a folder; the rows of the last one, as text. */
  async run(folder: string, ...statements: readonly string[]): Promise<Rows> {
    this.#process.stdin!.write(`${JSON.stringify({ folder, statements })}\n`)
    const answer = await this.#answers.next()
    if (answer.done) throw new Error('Spark ended')
    const { rows, error } = JSON.parse(answer.value) as { rows: Rows; error?: string }
    if (error !== undefined) throw new Error(`Spark: ${statements.join('; ')}: ${error}`)
    return rows
  }

  async stop(): Promise<void> {
    this.#process.stdin!.end()
    await new Promise((resolve) => this.#process.once('close', resolve))
    rmSync(this.#folder, { recursive: true })
  }
}
