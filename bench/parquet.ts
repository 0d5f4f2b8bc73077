import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { askParquetReaders, type PrunedFile, readersPython } from '#test/support/parquet-readers.ts'
import type { Comparison } from './comparison.ts'
import { inProcess, onOneCore } from './decode/in-process.ts'
import { median } from './decode/median.ts'
import { CASES, type Case, writeManyGroups } from './parquet/batches.ts'
import type { Writer } from './parquet/write-case.ts'

const ROUNDS = 3
const WRITERS = ['ours', 'pyarrow', 'hyparquet-writer'] as const
const PEERS = {
  pyarrow: 'pyarrow, its defaults with zstd, one thread',
  'hyparquet-writer': 'hyparquet-writer, with zstd of the same level, its arrays ready',
} as const
const folder = join(import.meta.dirname, 'parquet')

/**
 * Columns in memory to a Parquet file in memory, beside what others do, on one core. Everybody has processes of their
 * own, which take turns. Before that pyarrow and DuckDB have found the same rows in all files.
 */
export async function* run(args: readonly string[]): AsyncIterable<Comparison> {
  const python = await readersPython()
  const temporary = mkdtempSync(join(tmpdir(), 'weir-bench-'))
  try {
    const names = (Object.keys(CASES) as Case[]).filter(
      (name) => args.length === 0 || args.includes(name),
    )
    for (const name of names) yield* compare(name, new Contest(name, python, temporary))
    if (args.length === 0 || args.includes('pruned')) yield await pruned(temporary)
  } finally {
    rmSync(temporary, { recursive: true })
  }
}

/** The writers of one table. */
class Contest {
  readonly #name: Case
  readonly #python: string
  readonly #folder: string

  constructor(name: Case, python: string, temporary: string) {
    this.#name = name
    this.#python = python
    this.#folder = temporary
  }

  pathOf(who: (typeof WRITERS)[number]): string {
    return join(this.#folder, `${this.#name}-${who}.parquet`)
  }

  write(who: (typeof WRITERS)[number]): void {
    if (who === 'pyarrow') this.#inPython(this.pathOf(who))
    else this.#inNode(who, this.pathOf(who))
  }

  /** Nanoseconds per row. */
  measure(who: (typeof WRITERS)[number]): number {
    return Number(who === 'pyarrow' ? this.#inPython() : this.#inNode(who))
  }

  #inPython(...target: readonly string[]): string {
    const script = join(folder, 'pyarrow_case.py')
    const times = String(CASES[this.#name].times)
    return onOneCore([this.#python, script, this.pathOf('ours'), times, ...target])
  }

  #inNode(who: Writer, ...target: readonly string[]): string {
    return inProcess(join(folder, 'write-case.ts'), this.#name, who, ...target)
  }
}

async function* compare(name: Case, contest: Contest): AsyncIterable<Comparison> {
  for (const who of WRITERS) contest.write(who)
  const answers = await askParquetReaders<Readonly<Record<string, boolean>>[]>(
    (['pyarrow', 'hyparquet-writer'] as const).map((who) => ({
      do: 'same',
      left: contest.pathOf('ours'),
      right: contest.pathOf(who),
    })),
  )
  const equal = answers.every((answer) => answer.pyarrow === true && answer.duckdb === true)
  const times = {
    ours: [] as number[],
    pyarrow: [] as number[],
    'hyparquet-writer': [] as number[],
  }
  for (let round = 0; round < ROUNDS; round++) {
    for (const who of round % 2 === 0 ? WRITERS : WRITERS.toReversed()) {
      times[who].push(contest.measure(who))
    }
  }
  const bytes = (who: (typeof WRITERS)[number]) => statSync(contest.pathOf(who)).size
  for (const who of ['pyarrow', 'hyparquet-writer'] as const) {
    const [ours, theirs] = [median(times.ours), median(times[who])]
    yield {
      name: `parquet/${name}`,
      peer: PEERS[who],
      ours: Math.round(1e9 / ours),
      theirs: Math.round(1e9 / theirs),
      ratio: Number((theirs / ours).toFixed(2)),
      unit: 'rows per second and core',
      equal,
      what: CASES[name].what,
    }
    yield {
      name: `parquet/${name}/size`,
      peer: PEERS[who],
      ours: bytes('ours'),
      theirs: bytes(who),
      ratio: Number((bytes(who) / bytes('ours')).toFixed(2)),
      unit: 'bytes',
      equal,
    }
  }
}

/** A filter, by a file of which nothing is left but what both readers may need for it. */
async function pruned(temporary: string): Promise<Comparison> {
  const path = join(temporary, 'groups.parquet')
  writeFileSync(path, writeManyGroups())
  const [answer] = await askParquetReaders<[PrunedFile]>([
    { do: 'pruned', path, column: 'n', value: '61007', where: 'n = 61007' },
  ])
  const { groups, kept, pyarrow, duckdb, pyarrowNeedsAll, duckdbNeedsAll } = answer
  return {
    name: 'parquet/pruned',
    peer: 'all row groups of the file',
    ours: kept.length,
    theirs: groups,
    ratio: groups / kept.length,
    unit: 'row groups opened by pyarrow and by DuckDB for one value of a sorted column',
    equal: pyarrow === 1 && duckdb === 1 && pyarrowNeedsAll && duckdbNeedsAll,
    what: 'the others are overwritten with zeros, and only a query without the filter misses them',
  }
}
