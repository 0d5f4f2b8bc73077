import type { Contract } from '#lib/domain/contract/contract.ts'
import type { ContractVersions } from '#lib/domain/contract/contract-versions.ts'
import { SYSTEM_COLUMNS, tableSchemaOf } from '#lib/domain/contract/table-columns.ts'
import { majorOf } from '#lib/domain/contract/version.ts'
import type { JournalEntry } from '#lib/domain/ingest/journal.ts'
import { type CuratedFile, decodeVerdicts } from '#lib/domain/ingest/verdicts-object.ts'
import { type Column, type ColumnBatch, microsOf, utf8At } from '#lib/domain/kernel/columns.ts'
import { inParallel } from '#lib/domain/kernel/in-parallel.ts'
import type { ObjectStore } from '#lib/domain/kernel/object-store.ts'
import { MICROS_PER_MINUTE } from '#lib/domain/kernel/time.ts'
import { decodeFields } from '#lib/domain/lake/parquet/decode-fields.ts'
import type { TableField } from '#lib/domain/lake/schema.ts'
import { isLate, type Lateness } from './lateness.ts'

type Int64Column = Extract<Column, { kind: 'int64' }>

/** One curated file of an entry, with the columns that were asked for. */
export interface EntryFile {
  readonly file: CuratedFile
  readonly batch: ColumnBatch
  readonly eventTimes: Int64Column
}

export interface EntrySources {
  readonly contracts: ContractVersions
  readonly objects: ObjectStore
}

const READS_AT_ONCE = 16
const PLACE = new Set([
  'event_id',
  'event_source',
  'ingest_time',
  'ingest_sequence',
  'ingest_index',
])

/** A curated file whose contract version is known. */
export type JudgedFile = CuratedFile & Required<Pick<CuratedFile, 'contractVersion'>>

/** Which curated files an entry has, with the contract version that each was judged by. */
export async function filesOfEntry(
  { objects }: EntrySources,
  entry: JournalEntry,
): Promise<readonly JudgedFile[]> {
  if (entry.verdictsUri === undefined) return []
  const { files } = decodeVerdicts(entry.verdictsUri, await objects.get(entry.verdictsUri))
  return files.map((file) => ({ contractVersion: entry.contractVersion, ...file }))
}

/** Those of one major. */
export function ofMajor(files: readonly JudgedFile[], contract: Contract): readonly JudgedFile[] {
  const major = majorOf(contract.version)
  return files.filter((file) => majorOf(file.contractVersion) === major)
}

/**
 * Reads the fields of a contract from files that any version of its major wrote: columns are found by their ids.
 * Event time is always among them.
 */
export async function readFiles(
  { objects }: EntrySources,
  contract: Contract,
  files: readonly CuratedFile[],
  names: ReadonlySet<string>,
): Promise<readonly EntryFile[]> {
  const columns = tableSchemaOf(contract).fields.filter(
    ({ name }) => names.has(name) || name === contract.eventTime,
  )
  return inParallel(files, READS_AT_ONCE, async (file) => {
    const batch = await decodeFields(await objects.get(file.path), columns)
    return { file, batch, eventTimes: batch.columns.get(contract.eventTime) as Int64Column }
  })
}

/** For each of the files of a major, the rows that came too late for it, as 1. */
export type LateRows = ReadonlyMap<string, Uint8Array>

/**
 * Which rows of the files came too late. All files of the entry are read for it, also those of other majors, and in
 * the order of their positions: what was admitted at an earlier position has moved the watermark, wherever it lies.
 *
 * @param endOf until when an event of this time counts as open
 */
export async function lateRows(
  sources: EntrySources,
  entry: JournalEntry,
  files: readonly JudgedFile[],
  lateness: Lateness,
  endOf: (eventTime: number) => number,
): Promise<LateRows> {
  const { maxFutureSkewMinutes } = sources.contracts.byVersion(entry.contractVersion)
  const skew = maxFutureSkewMinutes * MICROS_PER_MINUTE
  const read = await inParallel(files, READS_AT_ONCE, async (file) => placesIn(sources, file))
  const before = entry.maxEventTimeBefore
  const only = read.length === 1 ? read[0] : undefined
  if (only !== undefined) {
    const mask = lateMask(only, lateness, endOf, skew, before)
    return new Map(mask === undefined ? [] : [[only.file.path, mask]])
  }
  const late = new Map<string, Uint8Array>()
  let greatest = before
  for (const { at, row } of inPositionOrder(read)) {
    const { file, times, arrivals, rows } = read[at]!
    const time = times(row)
    const arrival = arrivals(row)
    if (isLate(lateness, endOf(time), greatest, arrival)) {
      const mask = late.get(file.path) ?? new Uint8Array(rows)
      mask[row] = 1
      late.set(file.path, mask)
    }
    greatest = movedBy(greatest, time, arrival + skew)
  }
  return late
}

/** Rows in the order of their positions. */
export interface PlacedRows {
  readonly rows: number
  readonly times: (row: number) => number
  readonly arrivals: (row: number) => number
}

/**
 * Which of these rows came too late, as 1; undefined if none did.
 *
 * @param skew micros that an event may be ahead of its arrival
 * @param before the greatest event time admitted at earlier positions, capped
 */
export function lateMask(
  { rows, times, arrivals }: PlacedRows,
  lateness: Lateness,
  endOf: (eventTime: number) => number,
  skew: number,
  before: number | undefined,
): Uint8Array | undefined {
  let mask: Uint8Array | undefined
  let greatest = before
  for (let row = 0; row < rows; row++) {
    const time = times(row)
    const arrival = arrivals(row)
    if (isLate(lateness, endOf(time), greatest, arrival)) {
      mask ??= new Uint8Array(rows)
      mask[row] = 1
    }
    greatest = movedBy(greatest, time, arrival + skew)
  }
  return mask
}

/** The greatest event time once a row is counted; what is ahead of its arrival moves it no further than `cap`. */
function movedBy(greatest: number | undefined, time: number, cap: number): number {
  const capped = Math.min(time, cap)
  return greatest === undefined || capped > greatest ? capped : greatest
}

interface PlacedFile extends PlacedRows {
  readonly file: CuratedFile
  readonly sequenceAt: (row: number) => string
  readonly indexes: Int32Array
}

async function placesIn(
  { contracts, objects }: EntrySources,
  file: JudgedFile,
): Promise<PlacedFile> {
  const contract = contracts.byVersion(file.contractVersion)
  const fields: TableField[] = tableSchemaOf(contract).fields.filter(
    ({ name }) => PLACE.has(name) || name === contract.eventTime,
  )
  const { rows, columns } = await decodeFields(await objects.get(file.path), fields)
  const sequences = columns.get('ingest_sequence') as Extract<Column, { kind: 'utf8' }>
  return {
    file,
    rows,
    times: microsOf(columns.get(contract.eventTime) as Int64Column),
    arrivals: microsOf(columns.get('ingest_time') as Int64Column),
    sequenceAt: (row) => utf8At(sequences, row),
    indexes: (columns.get('ingest_index') as Extract<Column, { kind: 'int32' }>).values,
  }
}

/** Rows of all files by position; each file has its own in order already. */
function* inPositionOrder(files: readonly PlacedFile[]): Generator<{ at: number; row: number }> {
  const next = files.map(({ rows, sequenceAt, indexes }, at) => ({
    at,
    row: 0,
    rows,
    sequenceAt,
    indexes,
    sequence: rows > 0 ? sequenceAt(0) : '',
  }))
  for (;;) {
    let first: (typeof next)[number] | undefined
    for (const one of next) {
      if (one.row >= one.rows) continue
      if (
        first === undefined ||
        one.sequence < first.sequence ||
        (one.sequence === first.sequence && one.indexes[one.row]! < first.indexes[first.row]!)
      ) {
        first = one
      }
    }
    if (first === undefined) return
    yield { at: first.at, row: first.row }
    first.row++
    if (first.row < first.rows) first.sequence = first.sequenceAt(first.row)
  }
}

/** Weir's own columns that say where a row came from. */
export const PLACE_COLUMNS: readonly TableField[] = SYSTEM_COLUMNS.filter(({ name }) =>
  PLACE.has(name),
)
