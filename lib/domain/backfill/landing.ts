import { commit } from '#lib/domain/lake/commit.ts'
import type { DataFile } from '#lib/domain/lake/data-file.ts'
import { createBranch } from '#lib/domain/lake/refs/refs.ts'
import { OPERATION } from '#lib/domain/lake/snapshot-summary.ts'
import type { Table } from '#lib/domain/lake/table.ts'
import { tableOnBranch } from '#lib/domain/lake/table-on-branch.ts'
import type { Backfill, CheckFinding, CheckReport } from './backfill.ts'
import { changeBackfill, requireBackfill } from './backfill-store.ts'
import { PIN_MS } from './begin.ts'
import type { ChunkRecord } from './chunk-record.ts'
import { sumOfCounts } from './compare-rows.ts'
import { chunkNames } from './plan.ts'
import { type BackfillDependencies, backfilledView, filesByDay } from './range-tables.ts'
import { CHUNK_FRESH_MS, requireRound } from './run-chunk.ts'
import { refuseStopped } from './stop.ts'

/** In the summary of a snapshot that a backfill has made: which one. */
export const BACKFILL = 'weir.backfill'

/** Landed, and what a check of it says; or chunks that have to be run first. */
export type Landing =
  | { readonly outcome: 'landed'; readonly check: CheckReport }
  | { readonly outcome: 'chunks'; readonly chunks: readonly string[] }

/**
 * Puts what the chunks have written on a branch of the feature table, in the place of what the range had when the round
 * began, and checks what stands there. Nobody sees it who does not ask for the branch. A repeat finds the branch as it left
 * it.
 */
export async function landBackfill(deps: BackfillDependencies, id: string): Promise<Landing> {
  const { store, lake, clock, swap } = deps
  const backfill = await requireBackfill(store, id)
  refuseStopped(backfill)
  const round = requireRound(backfill)
  const { records, missing } = await chunkRecords(deps, backfill)
  if (missing.length > 0) return { outcome: 'chunks', chunks: missing }
  const stale = records.filter(({ atMs }) => clock.nowMs() - atMs >= CHUNK_FRESH_MS)
  if (stale.length > 0) return { outcome: 'chunks', chunks: stale.map(({ chunk }) => chunk) }

  const { target } = backfilledView(deps, backfill.request)
  const branch = branchName(id, round.number)
  const swapOptions = swap && { swap }
  await createBranch(lake, target, branch, {
    snapshotId: BigInt(round.present),
    maxRefAgeMs: PIN_MS,
    ...swapOptions,
  }).catch((error: unknown) => {
    // It is there, and has moved on since: that was this very step.
    if ((error as { code?: unknown }).code !== 'lake.refExists') throw error
  })
  const { table } = await commit(
    lake,
    target,
    async (onBranch) => {
      if (onBranch.currentSnapshot?.summary[BACKFILL] === id) return undefined
      return {
        ...(await replacement(deps, backfill, onBranch, records)),
        summary: { [OPERATION]: 'backfill', [BACKFILL]: id },
        setProperties: () => ({}),
      }
    },
    { branch, ...swap },
  )
  const check = await checked(deps, backfill, tableOnBranch(lake, table, branch), records)
  await changeBackfill(store, id, (now) =>
    JSON.stringify(now.check) === JSON.stringify(check) ? now : { ...now, check },
  )
  return { outcome: 'landed', check }
}

export function branchName(id: string, round: number): string {
  return `backfill-${id}-b${round}`
}

/** The newest record of each chunk: a chunk that no later round has computed anew stays as an earlier one made it. */
export async function chunkRecords(
  { store }: Pick<BackfillDependencies, 'store'>,
  backfill: Backfill,
): Promise<{ readonly records: readonly ChunkRecord[]; readonly missing: readonly string[] }> {
  const { id, request, plan } = backfill
  const round = requireRound(backfill)
  const newest = new Map<string, ChunkRecord>()
  for (const record of await store.chunks(id)) {
    const known = newest.get(record.chunk)
    if (known === undefined || known.round < record.round) newest.set(record.chunk, record)
  }
  const wanted = chunkNames(request, plan!)
  const ofRound = new Set(round.chunks)
  const missing = wanted.filter((chunk) => {
    const record = newest.get(chunk)
    return record === undefined || (ofRound.has(chunk) && record.round !== round.number)
  })
  const records = wanted.flatMap((chunk) => newest.get(chunk) ?? [])
  return { records, missing }
}

/** The chunks' files in the place of all files that a table has of the range. */
export async function replacement(
  { lake }: Pick<BackfillDependencies, 'lake'>,
  { request }: Backfill,
  table: Table,
  records: readonly ChunkRecord[],
) {
  const days = [...(await filesByDay(lake, table, request)).values()]
  return {
    files: records.flatMap(({ files }) => files),
    removed: days.flatMap(({ data }) => data.map(({ file }) => file.path)),
    applied: [...new Set(days.flatMap(({ deletes }) => deletes))],
  }
}

/** A share of nulls that grows by more than this is found wrong. */
const MOST_NEW_NULLS = 0.1

async function checked(
  deps: BackfillDependencies,
  backfill: Backfill,
  onBranch: Table,
  records: readonly ChunkRecord[],
): Promise<CheckReport> {
  const counts = sumOfCounts(records)
  const findings: CheckFinding[] = []
  const wanted = records.flatMap(({ files }) => files)
  const landed = await filesByDay(deps.lake, onBranch, backfill.request)
  const found = [...landed.values()].flatMap(({ data }) => data.map(({ file }) => file))
  if (namesAndRows(wanted) !== namesAndRows(found) || rowsOf(found) !== counts.rowsAfter) {
    findings.push({
      rule: 'journalDiffers',
      message: `the branch has ${rowsOf(found)} rows in ${found.length} files, and the chunks wrote ${counts.rowsAfter} in ${wanted.length}`,
    })
  }
  if (counts.rowsBefore > 0 && counts.rowsAfter < counts.rowsBefore / 2) {
    findings.push({
      rule: 'rowsGone',
      message: `${counts.rowsAfter} rows would take the place of ${counts.rowsBefore}`,
    })
  }
  for (const [name, one] of Object.entries(counts.features)) {
    const before = counts.rowsBefore === 0 ? 0 : one.nullsBefore / counts.rowsBefore
    const after = counts.rowsAfter === 0 ? 0 : one.nullsAfter / counts.rowsAfter
    if (counts.rowsBefore === 0 || after <= before + MOST_NEW_NULLS) continue
    findings.push({
      rule: 'nullsGrew',
      message: `${name} would be null in ${percent(after)} of the rows, and is in ${percent(before)}`,
    })
  }
  return { round: requireRound(backfill).number, ...counts, findings }
}

function namesAndRows(files: readonly DataFile[]): string {
  return JSON.stringify(files.map(({ path, recordCount }) => [path, recordCount]).toSorted())
}

function rowsOf(files: readonly DataFile[]): number {
  return files.reduce((sum, { recordCount }) => sum + recordCount, 0)
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`
}
