import { randomBytes, randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { MemoryCatalog } from '#lib/adapters/memory/memory-catalog.ts'
import { MemoryObjectStore } from '#lib/adapters/memory/memory-object-store.ts'
import { type Column, type ColumnBatch, utf8Column } from '#lib/domain/kernel/columns.ts'
import { inParallel } from '#lib/domain/kernel/in-parallel.ts'
import type { ObjectStore } from '#lib/domain/kernel/object-store.ts'
import { jitteredBackoff } from '#lib/domain/lake/backoff.ts'
import type { Catalog } from '#lib/domain/lake/catalog.ts'
import { deleteRows } from '#lib/domain/lake/changes/delete-rows.ts'
import { commit } from '#lib/domain/lake/commit.ts'
import type { DataFile } from '#lib/domain/lake/data-file.ts'
import { compact } from '#lib/domain/lake/maintenance/compact.ts'
import { parsePredicate } from '#lib/domain/lake/predicate/parse-predicate.ts'
import type { TableSchema } from '#lib/domain/lake/schema.ts'
import { createTableIfAbsent, type Lake, requireTable } from '#lib/domain/lake/table.ts'
import { planScan, readPlanned } from '#lib/domain/lake/table-scan.ts'
import { writeDataFiles } from '#lib/domain/lake/write-data-files.ts'
import { valueAt } from '#test/support/columns.ts'
import type { Comparison } from './comparison.ts'

const NAME = { database: 'bench', name: 'rides' }
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

/** About what S3, Glue and DynamoDB take in one region, ms. */
const LATENCY = { get: 10, put: 20, load: 10, swap: 40, journal: 5 }
/** What the committer waits for more: at most so late a row is seen. */
const BETWEEN_COMMITS_MS = 400
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

/**
 * Many writers whose files one committer puts in, many at a time, while the table is compacted and rows are deleted; beside
 * the same writers who commit each file by themselves, as engines do, with nobody in their way but one another.
 */
export async function* run(): AsyncIterable<Comparison> {
  const report = await measureWriters({ writers: 64, together: 60, alone: 2 })
  yield {
    name: 'writers/throughput',
    peer: 'each of the writers commits by itself',
    ours: Number(report.togetherPerSecond.toFixed(1)),
    theirs: Number(report.alonePerSecond.toFixed(1)),
    ratio: Number((report.togetherPerSecond / report.alonePerSecond).toFixed(1)),
    unit: 'files committed per second',
    equal: report.isComplete,
    writers: 64,
    commits: report.commits,
    compactions: report.compactions,
    deletes: report.deletes,
  }
}

export async function measureWriters(options: WritersOptions): Promise<WritersReport> {
  const { writers, together, alone } = options
  const ours = await tableOfWriters()
  const { togetherMs, ...counts } = await committedTogether(ours, writers, together)
  const theirs = await tableOfWriters()
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
async function committedTogether(lake: Lake, writers: number, files: number) {
  const journal: DataFile[] = []
  let [commits, compactions, deletes, isWriting, togetherMs] = [0, 0, 0, true, 0]
  const started = performance.now()
  const writing = Promise.all(
    Array.from({ length: writers }, async (_, writer) => {
      for (let at = 0; at < files; at++) {
        const written = await fileOf(lake, writer, at)
        await sleep(LATENCY.journal)
        journal.push(...written)
      }
    }),
  ).finally(() => {
    isWriting = false
  })
  const committing = async () => {
    let fence = 0
    while (isWriting || fence < journal.length) {
      const { committed, table } = await commit(
        lake,
        NAME,
        (now) => {
          const done = Number(now.properties.fence ?? 0)
          const next = journal.slice(done)
          if (next.length === 0) return undefined
          const reached = String(done + next.length)
          return { files: next, summary: {}, setProperties: () => ({ fence: reached }) }
        },
        { attempts: MOST_ATTEMPTS },
      )
      fence = Number(table.properties.fence ?? 0)
      if (committed) commits++
      await sleep(BETWEEN_COMMITS_MS)
    }
    togetherMs = performance.now() - started
  }
  const tending = async () => {
    while (isWriting) {
      const options = { attempts: MOST_ATTEMPTS }
      const { filesBefore } = await compact(lake, NAME, { minFiles: 32, commit: options })
      if (filesBefore > 0) compactions++
      const { rows } = await deleteRows(lake, NAME, unwanted(), {
        mode: 'merge-on-read',
        commit: options,
      })
      if (rows > 0) deletes++
    }
  }
  await Promise.all([writing, committing(), tending()])
  await deleteRows(lake, NAME, unwanted())
  return { commits, compactions, deletes, togetherMs }
}

async function committedAlone(lake: Lake, writers: number, files: number): Promise<void> {
  const pause = jitteredBackoff({ sleep, random: Math.random, mostMs: 1000 })
  await Promise.all(
    Array.from({ length: writers }, async (_, writer) => {
      for (let at = 0; at < files; at++) {
        const written = await fileOf(lake, writer, at)
        const mark = `${writer}-${at}`
        await commit(
          lake,
          NAME,
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

async function fileOf(lake: Lake, writer: number, at: number): Promise<readonly DataFile[]> {
  const { table } = await requireTable(lake, NAME)
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

async function holds(lake: Lake, wanted: readonly string[]): Promise<boolean> {
  const { table } = await requireTable(lake, NAME)
  const plan = await planScan(lake.objects, table)
  const batches = await inParallel(plan.files, READS_AT_ONCE, (file) =>
    readPlanned(plan, file, SCHEMA),
  )
  const found = batches.flatMap(({ rows, columns }) =>
    Array.from({ length: rows }, (_, row) => String(valueAt(columns.get('id')!, row))),
  )
  return found.toSorted().join() === wanted.join()
}

async function tableOfWriters(): Promise<Lake> {
  const clock = { nowMs: () => Date.now() }
  const lake: Lake = {
    objects: slowObjects(new MemoryObjectStore({ clock })),
    catalog: slowCatalog(new MemoryCatalog()),
    clock,
    ids: { uuid: randomUUID, snapshotId: () => randomBytes(8).readBigUInt64BE() >> 1n },
  }
  const create = { name: NAME, location: 's3://bench/rides', schema: SCHEMA, spec: { fields: [] } }
  await createTableIfAbsent(lake, create)
  return lake
}

function slowObjects(objects: ObjectStore): ObjectStore {
  return {
    get: async (uri) => {
      await sleep(LATENCY.get)
      return await objects.get(uri)
    },
    put: async (uri, body) => {
      await sleep(LATENCY.put)
      await objects.put(uri, body)
    },
    putIfAbsent: async (uri, body) => {
      await sleep(LATENCY.put)
      return await objects.putIfAbsent(uri, body)
    },
    list: (prefix) => objects.list(prefix),
  }
}

function slowCatalog(catalog: Catalog): Catalog {
  return {
    create: (name, input) => catalog.create(name, input),
    load: async (name) => {
      await sleep(LATENCY.load)
      return await catalog.load(name)
    },
    swap: async (name, input) => {
      await sleep(LATENCY.swap)
      await catalog.swap(name, input)
    },
  }
}
