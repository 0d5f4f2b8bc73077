import { spawnSync } from 'node:child_process'
import { cpSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { commandOutput } from './command-output.ts'

const sources = join(import.meta.dirname, 'flink')
const RUNS = 3
/** Flink 1.20 was made for a Java that still let everybody look inside of it. */
const OPENED = ['lang', 'lang.reflect', 'text', 'time', 'util'].map(
  (name) => `--add-opens=java.base/java.${name}=ALL-UNNAMED`,
)

export interface FlinkRun {
  readonly answer: readonly string[]
  /** Of the processor, all threads. */
  readonly seconds: number
}

/** A local Flink, built by Maven in a folder of its own. */
export class Flink {
  readonly #folder: string

  constructor(folder: string) {
    this.#folder = folder
  }

  /** What this machine lacks for it, or undefined. */
  static missing(): string | undefined {
    const lacks = [
      [
        'javac',
        '-version',
        'a JDK of 17 or newer (Debian and Ubuntu: apt-get install openjdk-17-jdk-headless)',
      ],
      ['mvn', '-version', 'Maven (Debian and Ubuntu: apt-get install maven)'],
    ].filter(([command, argument]) => spawnSync(command!, [argument!]).status !== 0)
    return lacks.length === 0
      ? undefined
      : `install ${lacks.map(([, , what]) => what).join(' and ')}, then run it again`
  }

  /** The same job several times in one process: the first one warms it. */
  async runs(file: string): Promise<readonly FlinkRun[]> {
    cpSync(sources, this.#folder, { recursive: true })
    const classPath = join(this.#folder, 'class-path.txt')
    commandOutput(
      'mvn',
      ['-q', '-B', 'compile', 'dependency:build-classpath', `-Dmdep.outputFile=${classPath}`],
      { cwd: this.#folder, onOneCore: false },
    )
    const jars = `${join(this.#folder, 'target/classes')}:${readFileSync(classPath, 'utf8').trim()}`
    const printed = commandOutput('java', [
      ...OPENED,
      '-Xmx4g',
      '-cp',
      jars,
      'bench.BidWindows',
      file,
      String(RUNS),
    ])
    return printed
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as FlinkRun)
  }
}
