import { PlatformError } from '#lib/domain/kernel/errors.ts'
import { dateOf, type Micros } from '#lib/domain/kernel/time.ts'
import { PRICES, usdOf } from '#lib/domain/ops/prices/prices.ts'

/** How many of each meter, as a bill has them. */
export type Units = Readonly<Record<string, number>>

/** A data file as its table's metadata has it: between which times its rows lie (inclusive), and how much it is. */
export interface FileExtent {
  readonly first: Micros
  readonly last: Micros
  readonly rows: number
  readonly bytes: number
}

export interface PlanInput {
  /** Windows that start in [from, to), whole days. */
  readonly from: Micros
  readonly to: Micros
  /** How far the last window of a range reaches behind it. */
  readonly reach: Micros
  /** Of the curated table. */
  readonly source: readonly FileExtent[]
  /** Of the feature table, by the starts of windows. */
  readonly present: readonly FileExtent[]
  /** Manifests that are read to plan a scan of either table. */
  readonly sourceManifests: number
  readonly presentManifests: number
  /** Chunks that are computed at once. */
  readonly parallel: number
  /** Dollars above which a person has to approve; undefined: none has to. */
  readonly approveAboveUsd?: number
}

export interface Range {
  readonly low: number
  readonly likely: number
  readonly high: number
}

export interface BackfillPlan {
  readonly days: number
  readonly chunkDays: number
  readonly chunks: number
  readonly parallel: number
  readonly sourceFiles: number
  readonly sourceBytes: number
  readonly sourceRows: number
  readonly presentRows: number
  /** What is likely to be billed. */
  readonly units: Units
  readonly usd: Range
  readonly seconds: Range
  readonly approveAboveUsd: number | null
  readonly needsApproval: boolean
}

/** Chunks that are computed at once: each is a function of 3 GB, and they share the account's concurrency with live data. */
export const PARALLEL_CHUNKS = 10
export const MICROS_PER_DAY = 86_400_000_000

/** A function holds a chunk's rows in memory, and ends long before its 15 minutes. */
const CHUNK_BYTES = 32 * 2 ** 20
const CHUNK_ROWS = 2_000_000
const MOST_CHUNK_DAYS = 31
/** As text they are what a state machine takes as its input: 256 KiB. */
const MOST_CHUNKS = 10_000

const FUNCTION_GIB = 3008 / 1024
/** Measured on a small machine, one core: reading, grouping, writing and comparing. */
const ROWS_PER_SECOND = 250_000
const ROW_BYTES_PER_SECOND = 20 * 2 ** 20
const COLD_START_SECONDS = 0.6
const STEP_SECONDS = 0.4

/** Half as much, and half as much again: a retried chunk, a cold start, a file that is parted otherwise. */
const [LOW, HIGH] = [0.7, 1.5]

/**
 * What a backfill is made of, takes and costs, from the tables' metadata. Pure. Chunks are whole days, as many as a function
 * is sure to hold. Throws `backfill.tooLarge` for a range of more chunks than a state machine takes.
 */
export function planBackfill(input: PlanInput): BackfillPlan {
  const { from, to, parallel, approveAboveUsd, source, present } = input
  const days = Math.ceil((to - from) / MICROS_PER_DAY)
  const chunkDays = daysOfChunk(input, days)
  const chunks = Math.ceil(days / chunkDays)
  if (chunks > MOST_CHUNKS) {
    throw new PlatformError(
      'backfill.tooLarge',
      `the range has ${chunks} chunks, and ${MOST_CHUNKS} are the most of one backfill: ask for a shorter one`,
    )
  }
  const work = workOf(input, chunkDays)
  const units = unitsOf(input, work)
  const likely = costOf(units)
  const usd = { low: likely * LOW, likely, high: likely * HIGH }
  const seconds = secondsOf(input, work)
  return {
    days,
    chunkDays,
    chunks,
    parallel,
    sourceFiles: source.length,
    sourceBytes: source.reduce((sum, { bytes }) => sum + bytes, 0),
    sourceRows: source.reduce((sum, { rows }) => sum + rows, 0),
    presentRows: present.reduce((sum, { rows }) => sum + rows, 0),
    units,
    usd,
    seconds: { low: seconds * LOW, likely: seconds, high: seconds * HIGH * 2 },
    approveAboveUsd: approveAboveUsd ?? null,
    // By the high end: whoever approves is not to be surprised.
    needsApproval: approveAboveUsd !== undefined && usd.high > approveAboveUsd,
  }
}

/** Units at list prices. */
export function costOf(units: Units): number {
  return Object.entries(units).reduce((sum, [meter, count]) => sum + usdOf(meter, count), 0)
}

/** The chunks of a range, oldest first, each named by its first day. */
export function chunkNames(
  { from, to }: { readonly from: Micros; readonly to: Micros },
  { chunkDays }: Pick<BackfillPlan, 'chunkDays'>,
): readonly string[] {
  const names: string[] = []
  for (let at = from; at < to; at += chunkDays * MICROS_PER_DAY) names.push(dateOf(at))
  return names
}

/** Where windows of a chunk start. */
export function chunkRange(
  { to }: { readonly to: Micros },
  { chunkDays }: Pick<BackfillPlan, 'chunkDays'>,
  name: string,
): { readonly from: Micros; readonly to: Micros } {
  const from = Date.parse(`${name}T00:00:00Z`) * 1000
  return { from, to: Math.min(to, from + chunkDays * MICROS_PER_DAY) }
}

/** What the chunks read, all together: a file counts with each chunk that opens it. */
interface Work {
  readonly chunks: number
  /** Chunks that have anything to write. */
  readonly days: number
  readonly sourceReads: number
  readonly presentReads: number
  readonly rows: number
  readonly bytes: number
}

/** So many days that no chunk has more than a function is sure to hold; a day is never cut. */
function daysOfChunk(input: PlanInput, days: number): number {
  const perDay = [...readsOf(input, 1).values()]
  const most = (of: (read: Read) => number) => Math.max(1, ...perDay.map(of))
  const byBytes = CHUNK_BYTES / most(({ bytes }) => bytes)
  const byRows = CHUNK_ROWS / most(({ rows }) => rows)
  return Math.max(1, Math.min(MOST_CHUNK_DAYS, days, Math.floor(Math.min(byBytes, byRows))))
}

interface Read {
  source: number
  present: number
  rows: number
  bytes: number
}

/** What each chunk reads, by its place. */
function readsOf(input: PlanInput, chunkDays: number): ReadonlyMap<number, Read> {
  const { from, to, reach, source, present } = input
  const width = chunkDays * MICROS_PER_DAY
  const count = Math.ceil((to - from) / width)
  const reads = new Map<number, Read>()
  const add = (file: FileExtent, which: 'source' | 'present', back: Micros) => {
    const first = Math.max(0, Math.floor((file.first - back - from) / width))
    const last = Math.min(count - 1, Math.floor((file.last - from) / width))
    for (let chunk = first; chunk <= last; chunk++) {
      const read = reads.get(chunk) ?? { source: 0, present: 0, rows: 0, bytes: 0 }
      read[which]++
      read.rows += file.rows
      read.bytes += file.bytes
      reads.set(chunk, read)
    }
  }
  for (const file of source) add(file, 'source', reach)
  for (const file of present) add(file, 'present', 0)
  return reads
}

function workOf(input: PlanInput, chunkDays: number): Work {
  const reads = [...readsOf(input, chunkDays).values()]
  const sum = (of: (read: Read) => number) => reads.reduce((total, read) => total + of(read), 0)
  return {
    chunks: Math.ceil((input.to - input.from) / (chunkDays * MICROS_PER_DAY)),
    days: readsOf({ ...input, reach: 0 }, 1).size,
    sourceReads: sum(({ source }) => source),
    presentReads: sum(({ present }) => present),
    rows: sum(({ rows }) => rows),
    bytes: sum(({ bytes }) => bytes),
  }
}

/** Calls of the steps as they are made, each try once. */
function unitsOf(input: PlanInput, work: Work): Units {
  const { sourceManifests, presentManifests } = input
  const { chunks } = work
  // A table is its metadata, a scan of it the list of manifests and the manifests as well.
  const [source, present] = [2 + sourceManifests, 2 + presentManifests]
  const gets =
    chunks * (present + source) +
    work.presentReads +
    work.sourceReads +
    STEP_TABLES +
    STEP_SCANS * (1 + presentManifests)
  const seconds = chunkSeconds(work) + STEPS * STEP_SECONDS
  return {
    's3.getRequests': gets,
    's3.putRequests': work.days + SWAPS + COMMITS * COMMIT_PUTS,
    'glue.requests': 2 * chunks + STEP_TABLES + SWAPS,
    'dynamodb.readUnits': chunks * CHUNK_READ_UNITS + work.days * FILE_READ_UNITS + STEP_READ_UNITS,
    'dynamodb.writeUnits':
      chunks * CHUNK_WRITE_UNITS + work.days * FILE_WRITE_UNITS + STEP_WRITE_UNITS,
    'lambda.requests': chunks + STEPS,
    'lambda.armGbSeconds': seconds * FUNCTION_GIB,
    'states.transitions': chunks * CHUNK_TRANSITIONS + STEPS * STEP_TRANSITIONS,
    'events.published': 2,
    'logs.gib': ((chunks + STEPS) * PRICES.assumptions.logBytesPerInvocation) / 2 ** 30,
  }
}

/** Of the functions that compute, all chunks together. */
function chunkSeconds(work: Work): number {
  const { storeCallMs } = PRICES.assumptions
  const calls = work.sourceReads + work.presentReads + work.days + work.chunks * CHUNK_CALLS
  const waiting = ((storeCallMs['S3.GetObject'] ?? 20) * calls) / 1000
  return work.rows / ROWS_PER_SECOND + work.bytes / ROW_BYTES_PER_SECOND + waiting
}

function secondsOf(input: PlanInput, work: Work): number {
  const atOnce = Math.max(1, Math.min(input.parallel, work.chunks))
  return chunkSeconds(work) / atOnce + 3 * COLD_START_SECONDS + STEPS * STEP_SECONDS
}

/** A function is called for each chunk, and for each of: look (again, after somebody has approved), begin, land, publish, end. */
const STEPS = 6
export const CHUNK_TRANSITIONS = 2
export const STEP_TRANSITIONS = 2
/** What a chunk asks its stores before it reads and writes. */
const CHUNK_CALLS = 12
/** How often the steps load a table, and how often they look at all files of it. */
const STEP_TABLES = 14
const STEP_SCANS = 7
/** Swaps of a table's metadata: claim, two pins, branch, landing, publication, release, and what the end drops. */
const SWAPS = 9
/** Two of them are commits: a manifest of what comes, one without what goes, and their list. */
const COMMITS = 2
const COMMIT_PUTS = 3
const CHUNK_READ_UNITS = 4
const CHUNK_WRITE_UNITS = 3
/** A file takes three quarters of a KB in the record of its chunk, which is read twice. */
const FILE_READ_UNITS = 0.2
const FILE_WRITE_UNITS = 0.75
const STEP_READ_UNITS = 30
const STEP_WRITE_UNITS = 24
