import { takeRows } from '../../kernel/columns.ts'
import { inParallel } from '../../kernel/in-parallel.ts'
import { ApplicableDeletes } from '../applicable-deletes.ts'
import type { DataFile } from '../data-file.ts'
import type { DeleteFile } from '../delete-file.ts'
import type { LiveRowReader } from '../live-rows.ts'
import type { Predicate } from '../predicate/predicate.ts'
import { rowsThatMatch } from '../predicate/rows-that-match.ts'
import type { LiveDataFile } from '../snapshot-contents.ts'
import type { Lake, Table } from '../table.ts'
import type { PlannedFile, ScanPlan } from '../table-scan.ts'
import { writeDataFiles } from '../write-data-files.ts'
import { type RowsToDelete, writePositionDeletes } from '../write-position-deletes.ts'
import { type DeleteMode, deleteMode } from './delete-mode.ts'

/** What becomes of the rows of one data file. */
interface FileRemoval {
  readonly data: LiveDataFile
  readonly how: 'drop' | DeleteMode
  /** Rows that go. */
  readonly rows: number
  readonly applied: readonly string[]
  /** Of a file that is written anew: those in its place; absent if nothing was to be written. */
  readonly files?: readonly DataFile[]
  /** Of a file that stays: where the rows stand. */
  readonly positions?: readonly number[]
  readonly atMs: number
}

/** What takes rows out of a table, all of it for one state of the table. */
export interface Removals {
  readonly files: readonly DataFile[]
  readonly removed: readonly string[]
  readonly deletes: readonly DeleteFile[]
  readonly removedDeletes: readonly string[]
  readonly applied: readonly string[]
  /** Data files that stay with fewer rows. */
  readonly live: readonly string[]
  readonly report: RemovalReport
}

export interface RemovalReport {
  /** Rows that go. Of files that go unread, all but those that are deleted by position. */
  readonly rows: number
  /** Files without any row left, most of them unread. */
  readonly filesDropped: number
  /** Files that were written anew without the rows. */
  readonly filesRewritten: number
  /** Files that stay, with rows deleted by files beside them. */
  readonly filesWithDeletes: number
  /** Files that had to be read: bounds and partitions did not tell. */
  readonly filesRead: number
}

export interface RemovalOptions {
  /** @default what is cheaper for each file, unless the table says */
  readonly mode?: DeleteMode
  /** Whether to find out only, and write nothing. */
  readonly isDryRun?: boolean
  readonly onProgress?: (files: number, of: number) => void
}

const FILES_AT_ONCE = 8
/** Orphan removal spares objects for a day: what was written and not committed by then may be gone. */
const FRESH_MS = 12 * 3_600_000

/**
 * Finds and writes what takes the rows of a condition out of a table, state after state: what was found out and written
 * for a file is taken again as long as the file and its deletes are the same.
 */
export class RowRemoval {
  readonly #lake: Lake
  readonly #options: RemovalOptions
  readonly #known = new Map<string, FileRemoval | undefined>()
  #deletes: { readonly key: string; readonly files: readonly DeleteFile[] } | undefined

  constructor(lake: Lake, options: RemovalOptions) {
    this.#lake = lake
    this.#options = options
  }

  /** Of the planned files of the table as it stands: the rows that match go. */
  async of(table: Table, plan: ScanPlan, where: Predicate): Promise<Removals> {
    const { onProgress } = this.#options
    let [seen, filesRead] = [0, 0]
    const found = await inParallel(plan.files, FILES_AT_ONCE, async (planned) => {
      const one = await this.#ofFile(table, plan.reader, planned, where)
      if (!planned.allMatch) filesRead++
      onProgress?.(++seen, plan.files.length)
      return one
    })
    const removals = found.filter((one) => one !== undefined)
    const gone = removals.filter(({ how }) => how !== 'merge-on-read')
    const staying = removals.filter(({ how }) => how === 'merge-on-read')
    const removed = gone.map(({ data }) => data.file.path)
    return {
      files: gone.flatMap(({ files = [] }) => files),
      removed,
      deletes: await this.#writtenDeletes(table, staying),
      removedDeletes: await notNeededWithout(table, plan.reader, new Set(removed)),
      applied: [...new Set(removals.flatMap(({ applied }) => applied))],
      live: staying.map(({ data }) => data.file.path),
      report: {
        rows: removals.reduce((sum, { rows }) => sum + rows, 0),
        filesDropped: removals.filter(({ how }) => how === 'drop').length,
        filesRewritten: removals.filter(({ how }) => how === 'copy-on-write').length,
        filesWithDeletes: staying.length,
        filesRead,
      },
    }
  }

  async #ofFile(
    table: Table,
    reader: LiveRowReader,
    planned: PlannedFile,
    where: Predicate,
  ): Promise<FileRemoval | undefined> {
    const { data, allMatch } = planned
    const deletes = reader.deletesOf(data).map(({ file }) => file.path)
    const schemaId = table.metadata['current-schema-id']
    const specId = table.metadata['default-spec-id']
    const key = JSON.stringify([data.file.path, deletes, schemaId, specId])
    const nowMs = this.#lake.clock.nowMs()
    const known = this.#known.get(key)
    const isFresh = known === undefined || nowMs - known.atMs < FRESH_MS
    if (this.#known.has(key) && isFresh) return known
    const made = allMatch
      ? await dropped(reader, data, deletes, nowMs)
      : await this.#read(table, reader, data, where, nowMs)
    this.#known.set(key, made)
    return made
  }

  async #read(
    table: Table,
    reader: LiveRowReader,
    data: LiveDataFile,
    where: Predicate,
    atMs: number,
  ): Promise<FileRemoval | undefined> {
    const { schema, properties } = table
    const { batch, positions, deletedRows, applied } = await reader.read(data, schema)
    const matches = rowsThatMatch(where, schema, batch)
    const rows = Array.from({ length: batch.rows }, (_, row) => row)
    const hit = rows.filter((row) => matches[row] === 1)
    if (hit.length === 0) return undefined
    const base = { data, rows: hit.length, applied, atMs }
    if (hit.length === batch.rows) return { ...base, how: 'drop' }
    const { recordCount, sizeBytes } = data.file
    const how =
      this.#options.mode ??
      deleteMode(properties, { recordCount, sizeBytes, deletedRows: deletedRows + hit.length })
    if (how === 'merge-on-read') {
      return { ...base, how, positions: hit.map((row) => positions[row]!) }
    }
    if (this.#options.isDryRun) return { ...base, how }
    const left = takeRows(
      batch,
      rows.filter((row) => matches[row] === 0),
    )
    return { ...base, how, files: await writeDataFiles(this.#lake, table, left) }
  }

  async #writtenDeletes(
    table: Table,
    staying: readonly FileRemoval[],
  ): Promise<readonly DeleteFile[]> {
    if (staying.length === 0 || this.#options.isDryRun) return []
    const key = JSON.stringify(
      staying.map(({ data, applied, atMs }) => [data.file.path, applied, atMs]),
    )
    if (this.#deletes?.key !== key) {
      const rows = staying.map(({ data, positions = [] }): RowsToDelete => ({ data, positions }))
      this.#deletes = { key, files: await writePositionDeletes(this.#lake, table, rows) }
    }
    return this.#deletes.files
  }
}

async function dropped(
  reader: LiveRowReader,
  data: LiveDataFile,
  applied: readonly string[],
  atMs: number,
): Promise<FileRemoval> {
  const rows = data.file.recordCount - (await reader.deletedByPosition(data))
  return { data, how: 'drop', rows, applied, atMs }
}

/** Delete files that no data file needs once these are gone. */
async function notNeededWithout(
  table: Table,
  reader: LiveRowReader,
  gone: ReadonlySet<string>,
): Promise<readonly string[]> {
  if (!reader.hasDeletes) return []
  const { data, deletes } = await table.contents()
  const left = data.filter(({ file }) => !gone.has(file.path))
  return ApplicableDeletes.notNeeded(table.metadata, { data: left, deletes })
}
