import type { Contract } from '../contract/contract.ts'
import { partitionSpecOf, tableSchemaOf } from '../contract/table-columns.ts'
import type { Journal, JournalEntry } from '../ingest/journal.ts'
import { type ProductLayout, tableLocation } from '../ingest/layout.ts'
import { decodeVerdicts } from '../ingest/verdicts-object.ts'
import { PlatformError } from '../kernel/errors.ts'
import { START } from '../kernel/sequence-number.ts'
import { type CommitOptions, commit } from './commit.ts'
import type { DataFile } from './data-file.ts'
import { type Fences, fencesProperty, fencesSummary, HOLD_PROPERTY, readFences } from './fences.ts'
import { createTableIfAbsent, type Lake, type Table } from './table.ts'

export interface CommitSnapshotsDependencies {
  readonly lake: Lake
  readonly journal: Journal
  readonly contract: Contract
  readonly layout: ProductLayout
  readonly database: string
  readonly commit?: CommitOptions
  /** Entries of one shard that one commit takes at most. */
  readonly maxEntriesPerShard?: number
}

export interface CommitReport {
  readonly commits: number
  readonly entries: number
  readonly rows: number
  /** Shards whose next entry does not follow the fence: something is missing in the journal. */
  readonly gaps: readonly JournalGap[]
}

export interface JournalGap {
  readonly shard: string
  readonly fence: string
  readonly prev: string
}

/**
 * Brings the product's table up to the journal: one append for all entries past the fences, fences in the same
 * swap, until nothing is left. The journal decides what is new; a bell, twice or late, changes nothing.
 */
export async function commitSnapshots(deps: CommitSnapshotsDependencies): Promise<CommitReport> {
  const name = { database: deps.database, name: deps.contract.product }
  await createTableIfAbsent(deps.lake, {
    name,
    location: tableLocation(deps.layout),
    schema: tableSchemaOf(deps.contract),
    spec: partitionSpecOf(deps.contract),
  })
  const files = new Map<string, readonly DataFile[]>()
  const report = { commits: 0, entries: 0, rows: 0, gaps: [] as readonly JournalGap[] }
  for (;;) {
    let taken: readonly JournalEntry[] = []
    const outcome = await commit(
      deps.lake,
      name,
      async (table) => {
        const plan = await planOf(deps, table)
        report.gaps = plan.gaps
        // Nothing left: either nothing was to do, or the attempt whose answer was lost has done it.
        if (plan.entries.length === 0) return undefined
        taken = plan.entries
        return {
          files: await filesOf(deps, taken, files),
          summary: { ...fencesSummary(plan.fences), 'weir.entries': String(taken.length) },
          setProperties: (snapshotId) => fencesProperty(snapshotId, plan.fences),
        }
      },
      deps.commit,
    )
    if (!outcome.committed) return report
    report.commits += 1
    report.entries += taken.length
    report.rows += taken.reduce((sum, entry) => sum + entry.counts.admitted, 0)
  }
}

/**
 * What is past the fences of this state of the table. It is asked again after every conflict and every lost
 * answer, so an entry that is already in the table is never taken twice.
 */
async function planOf(deps: CommitSnapshotsDependencies, table: Table) {
  if (table.properties[HOLD_PROPERTY] !== undefined) {
    throw new PlatformError(
      'lake.onHold',
      `table ${table.name.database}.${table.name.name} is on hold: ${table.properties[HOLD_PROPERTY]}`,
    )
  }
  const fences: Record<string, Fences[string]> = { ...readFences(table) }
  const entries: JournalEntry[] = []
  const gaps: JournalGap[] = []
  for (const { shard } of await deps.journal.shards()) {
    const fence = fences[shard] ?? START
    const next = await deps.journal.entriesAfter(shard, fence, deps.maxEntriesPerShard ?? 500)
    for (const entry of next) {
      const reached = fences[shard] ?? START
      if (entry.prev !== reached) {
        // Never skip: the fence stays, the shard waits, and the caller raises the alarm.
        gaps.push({ shard, fence: reached, prev: entry.prev })
        break
      }
      entries.push(entry)
      fences[shard] = entry.last
    }
  }
  return { fences, entries, gaps }
}

async function filesOf(
  deps: CommitSnapshotsDependencies,
  entries: readonly JournalEntry[],
  known: Map<string, readonly DataFile[]>,
): Promise<readonly DataFile[]> {
  const uris = entries.flatMap((entry) => entry.verdictsUri ?? [])
  const missing = uris.filter((uri) => !known.has(uri))
  const inParallel = 16
  for (let at = 0; at < missing.length; at += inParallel) {
    const group = missing.slice(at, at + inParallel)
    const bodies = await Promise.all(group.map((uri) => deps.lake.objects.get(uri)))
    for (const [i, uri] of group.entries()) known.set(uri, decodeVerdicts(uri, bodies[i]!).files)
  }
  return uris.flatMap((uri) => known.get(uri)!)
}
