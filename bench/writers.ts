import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { type Column, type ColumnBatch, utf8Column } from '#lib/domain/kernel/columns.ts'
import { hasCode } from '#lib/domain/kernel/errors.ts'
import { inParallel } from '#lib/domain/kernel/in-parallel.ts'
import { jitteredBackoff } from '#lib/domain/lake/backoff.ts'
import { deleteRows } from '#lib/domain/lake/changes/delete-rows.ts'
import { commit } from '#lib/domain/lake/commit.ts'
import type { DataFile } from '#lib/domain/lake/data-file.ts'
import { compact } from '#lib/domain/lake/maintenance/compact.ts'
import { parsePredicate } from '#lib/domain/lake/predicate/parse-predicate.ts'
import type { TableSchema } from '#lib/domain/lake/schema.ts'
import { createTableIfAbsent, type Lake, requireTable, type Table } from '#lib/domain/lake/table.ts'
import { planScan, readPlanned } from '#lib/domain/lake/table-scan.ts'
import { writeDataFiles } from '#lib/domain/lake/write-data-files.ts'
import { valueAt } from '#test/support/columns.ts'
import type { Comparison } from './comparison.ts'
import { withLocalCloud } from './writers/local-cloud.ts'
import { memoryStores } from './writers/memory.ts'
import type { Fence, WriterStores } from './writers/stores.ts'

const ROWS = 20
const READS_AT_ONCE = 32
/** Rows that somebody deletes all the while. */
const UNWANTED = 7
const SCHEMA: TableSchema = {
  fields: [
    { id: 1, name: 'id', required: true, type: 'string' },
    { id: 2, name: 'kind', required: true, type: 'int' },
  ],
}

/** What the committer waits for more: at most so late a row is seen. */
const BETWEEN_COMMITS_MS = 400
/** Somebody else changed the same rows or files meanwhile. */
const CAME_FIRST = [
  'lake.conflict',
  'lake.inputGone',
  'lake.rowDeletes',
  'lake.filesStale',
] as const
/** Of a writer that commits by itself, so that a try is not given up. */
const MOST_ATTEMPTS = 10_000

export interface WritersOptions {
  readonly writers: number
  /** Files of each writer that are handed to one committer. */
  readonly together: number
  /** Files of each writer that it commits by itself. */
  readonly alone: number
}

export interface WritersReport {
  /** Files per second that are in the table. */
  readonly togetherPerSecond: number
  readonly alonePerSecond: number
  readonly commits: number
  readonly compactions: number
  readonly deletes: number
  /** Whether both tables hold each wanted row once and nothing else. */
  readonly isComplete: boolean
}

const FILES = { memory: { together: 60, alone: 2 }, cloud: { together: 60, alone: 2 } }
const WRITERS = 64

/**
 * Many writers whose files one committer puts in, many at a time, while the table is compacted and rows are deleted; beside
 * the same writers who commit each file by themselves, as engines do, with nobody in their way but one another. In memory
 * with the latencies of one region, and on a local cloud; `--on memory|cloud` for one of them.
 */
export async function* run(args: readonly string[]): AsyncIterable<Comparison> {
  const { values } = parseArgs({ args: [...args], options: { on: { type: 'string' } } })
  const { on } = values
  if (on !== undefined && on !== 'memory' && on !== 'cloud') {
    throw new Error(`--on ${on}: the writers write to "memory" or to the "cloud"`)
  }
  if (on !== 'cloud') {
    const options = { writers: WRITERS, ...FILES.memory }
    yield compare('writers/memory', await measureWriters(options, memoryStores))
  }
  if (on !== 'memory') {
    const options = { writers: WRITERS, ...FILES.cloud }
    const report = await withLocalCloud((newStores) => measureWriters(options, newStores))
    yield compare('writers/local-cloud', report)
  }
}

function compare(name: string, report: WritersReport): Comparison {
  return {
    name,
    peer: 'each of the writers commits by itself',
    ours: Number(report.togetherPerSecond.toFixed(1)),
    theirs: Number(report.alonePerSecond.toFixed(1)),
    ratio: Number((report.togetherPerSecond / report.alonePerSecond).toFixed(1)),
    unit: 'files committed per second',
    equal: report.isComplete,
    writers: WRITERS,
    commits: report.commits,
    compactions: report.compactions,
    deletes: report.deletes,
  }
}

export async function measureWriters(
  options: WritersOptions,
  newStores: () => Promise<WriterStores>,
): Promise<WritersReport> {
  const { writers, together, alone } = options
  const ours = await newStores()
  await createTable(ours)
  const { togetherMs, ...counts } = await committedTogether(ours, writers, together)
  const theirs = await newStores()
  await createTable(theirs)
  const startedAlone = performance.now()
  await committedAlone(theirs, writers, alone)
  const aloneMs = performance.now() - startedAlone
  return {
    togetherPerSecond: (writers * together * 1000) / togetherMs,
    alonePerSecond: (writers * alone * 1000) / aloneMs,
    ...counts,
    isComplete:
      (await holds(ours, idsOf(writers, together, true))) &&
      (await holds(theirs, idsOf(writers, alone, false))),
  }
}

/** Each writer's files go into a journal; a committer takes all of it past its fence. */
async function committedTogether(stores: WriterStores, writers: number, files: number) {
  const { lake, name, journal } = stores
  const { table } = await requireTable(lake, name)
  let [commits, isWriting, togetherMs] = [0, true, 0]
  const started = performance.now()
  const writing = Promise.all(
    Array.from({ length: writers }, async (_, writer) => {
      for (let at = 0; at < files; at++) {
        await journal.append(writer, at, await fileOf(lake, table, writer, at))
      }
    }),
  ).finally(() => {
    isWriting = false
  })
  const committing = async () => {
    for (;;) {
      // Asked before the journal is read: what is appended later is in the next commit.
      const isLast = !isWriting
      const { committed } = await commit(
        lake,
        name,
        async (now) => {
          const fence = JSON.parse(now.properties.fence ?? '{}') as Fence
          const { files: next, reached } = await journal.past(fence, writers)
          if (next.length === 0) return undefined
          const properties = { fence: JSON.stringify(reached) }
          return { files: next, summary: {}, setProperties: () => properties }
        },
        { attempts: MOST_ATTEMPTS },
      )
      if (committed) commits++
      if (isLast) break
      await sleep(BETWEEN_COMMITS_MS)
    }
    togetherMs = performance.now() - started
  }
  // Once at least, however slow the machine is, and as long as there are writers.
  const tending = async (once: () => Promise<number>) => {
    let done = 0
    do {
      await sleep(BETWEEN_COMMITS_MS)
      if ((await asFarAsItGoes(once)) > 0) done++
    } while (isWriting || done === 0)
    return done
  }
  const options = { attempts: MOST_ATTEMPTS }
  const compacting = tending(async () => {
    return (await compact(lake, name, { minFiles: 32, commit: options })).filesBefore
  })
  const deleting = tending(async () => {
    const change = { mode: 'merge-on-read', commit: options } as const
    return (await deleteRows(lake, name, unwanted(), change)).rows
  })
  const [compactions, deletes] = await Promise.all([compacting, deleting, committing(), writing])
  await deleteRows(lake, name, unwanted())
  return { commits, compactions, deletes, togetherMs }
}

/** Nothing, where another change came first: who changes rows then looks at the table again. */
async function asFarAsItGoes(change: () => Promise<number>): Promise<number> {
  try {
    return await change()
  } catch (error) {
    if (CAME_FIRST.some((code) => hasCode(error, code))) return 0
    throw error
  }
}

async function committedAlone(stores: WriterStores, writers: number, files: number): Promise<void> {
  const { lake, name } = stores
  const { table } = await requireTable(lake, name)
  const pause = jitteredBackoff({ sleep, random: Math.random, mostMs: 1000 })
  await Promise.all(
    Array.from({ length: writers }, async (_, writer) => {
      for (let at = 0; at < files; at++) {
        const written = await fileOf(lake, table, writer, at)
        const mark = `${writer}-${at}`
        await commit(
          lake,
          name,
          (now) =>
            now.properties[mark] === undefined
              ? { files: written, summary: {}, setProperties: () => ({ [mark]: 'done' }) }
              : undefined,
          { attempts: MOST_ATTEMPTS, pause },
        )
      }
    }),
  )
}

async function fileOf(
  lake: Lake,
  table: Table,
  writer: number,
  at: number,
): Promise<readonly DataFile[]> {
  return await writeDataFiles(lake, table, rowsOf(writer, at))
}

function rowsOf(writer: number, at: number): ColumnBatch {
  const ids = Array.from({ length: ROWS }, (_, row) => `${writer}-${at}-${row}`)
  return {
    rows: ROWS,
    columns: new Map<string, Column>([
      ['id', utf8Column(ids)],
      ['kind', { kind: 'int32', values: Int32Array.from(ids, (_, row) => row) }],
    ]),
  }
}

function unwanted() {
  return parsePredicate(`kind = ${UNWANTED}`, SCHEMA)
}

function idsOf(writers: number, files: number, isThinned: boolean): readonly string[] {
  const ids: string[] = []
  for (let writer = 0; writer < writers; writer++) {
    for (let at = 0; at < files; at++) {
      for (let row = 0; row < ROWS; row++) {
        if (!isThinned || row !== UNWANTED) ids.push(`${writer}-${at}-${row}`)
      }
    }
  }
  return ids.toSorted()
}

async function holds({ lake, name }: WriterStores, wanted: readonly string[]): Promise<boolean> {
  const { table } = await requireTable(lake, name)
  const plan = await planScan(lake.objects, table)
  const batches = await inParallel(plan.files, READS_AT_ONCE, (file) =>
    readPlanned(plan, file, SCHEMA),
  )
  const found = batches.flatMap(({ rows, columns }) =>
    Array.from({ length: rows }, (_, row) => String(valueAt(columns.get('id')!, row))),
  )
  return found.toSorted().join() === wanted.join()
}

async function createTable({ lake, name, location }: WriterStores): Promise<void> {
  await createTableIfAbsent(lake, { name, location, schema: SCHEMA, spec: { fields: [] } })
}
