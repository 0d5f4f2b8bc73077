import type { Contract } from '../contract/contract.ts'
import type { ContractVersions } from '../contract/contract-versions.ts'
import { majorOf } from '../contract/version.ts'
import type { Journal, JournalEntry } from '../ingest/journal.ts'
import { type ProductLayout, tableLocation } from '../ingest/layout.ts'
import { admittedOf, firstFence } from '../ingest/major-starts.ts'
import { type Predecessor, START } from '../kernel/sequence-number.ts'
import { verdictsOf } from './entry-files.ts'
import { type Fences, readFences, refuseOnHold } from './fences.ts'
import { requireLocation, type Table } from './table.ts'

/** What the journal has that a table does not. */
export interface CommitPlan {
  /** With the entries taken. Those of all shards: what is not in the table's property starts anew at the shard's start. */
  readonly fences: Fences
  readonly entries: readonly JournalEntry[]
  /** Rows of the entries that belong to this table. */
  readonly rows: number
  readonly gaps: readonly JournalGap[]
  /** Versions that judged the next batch of a shard and are not known here: a newer deployment's. */
  readonly unknownVersions: readonly string[]
  /** Whether the journal had no more to take than is taken here or waits. */
  readonly isWhole: boolean
}

/** A shard that waits at an entry whose verdicts object cannot be read. */
export interface UnreadableVerdicts {
  readonly shard: string
  readonly fence: string
  readonly uri: string
  readonly reason: string
}

/** A shard whose next entry does not follow the fence: something is missing in the journal. */
export interface JournalGap {
  readonly shard: string
  readonly fence: string
  readonly prev: string
}

export interface PlanSources {
  readonly journal: Journal
  readonly contracts: ContractVersions
  readonly layout: ProductLayout
  readonly maxEntriesPerShard?: number
}

/**
 * What is past the fences of this state of the table, which holds the rows of the contract's major. It is asked again
 * after every conflict and every lost answer, so an entry that is already in the table is never taken twice.
 */
export async function planCommit(
  { journal, contracts, layout, maxEntriesPerShard = 500 }: PlanSources,
  table: Table,
  contract: Contract,
): Promise<CommitPlan> {
  requireLocation(table, tableLocation(layout, table.name.name))
  refuseOnHold(table)
  const major = majorOf(contract.version)
  const fences: Record<string, Predecessor> = { ...(await readFences(table)) }
  const isFirst = Object.keys(fences).length === 0
  const entries: JournalEntry[] = []
  const gaps: JournalGap[] = []
  const unknownVersions = new Set<string>()
  let isWhole = true
  for (const { shard } of await journal.shards()) {
    fences[shard] ??= isFirst ? firstFence(await journal.head(shard), major) : START
    const next = await journal.entriesAfter(shard, fences[shard], maxEntriesPerShard)
    isWhole &&= next.length < maxEntriesPerShard
    for (const entry of next) {
      const reached: Predecessor = fences[shard]
      if (entry.prev !== reached) {
        // Never skip: the fence stays, the shard waits, and the caller raises the alarm.
        gaps.push({ shard, fence: reached, prev: entry.prev })
        break
      }
      if (!contracts.has(entry.contractVersion)) {
        unknownVersions.add(entry.contractVersion)
        break
      }
      entries.push(entry)
      fences[shard] = entry.last
    }
  }
  const rows = rowsOf(entries, major)
  return { fences, entries, rows, gaps, unknownVersions: [...unknownVersions], isWhole }
}

/**
 * The plan up to the first entry of each shard that cannot be read: that shard waits there, since a fence never skips,
 * and the others go on.
 */
export function upToUnreadable(
  plan: CommitPlan,
  major: number,
  problems: ReadonlyMap<string, Error>,
): { readonly plan: CommitPlan; readonly unreadable: readonly UnreadableVerdicts[] } {
  if (problems.size === 0) return { plan, unreadable: [] }
  const fences: Record<string, Predecessor> = { ...plan.fences }
  const waiting = new Map<string, UnreadableVerdicts>()
  const entries = plan.entries.filter((entry) => {
    const { shard, prev } = entry
    const uri = verdictsOf(entry, major)
    const problem = uri === undefined ? undefined : problems.get(uri)
    if (uri !== undefined && problem !== undefined && !waiting.has(shard)) {
      waiting.set(shard, { shard, fence: prev, uri, reason: problem.message })
      fences[shard] = prev
    }
    return !waiting.has(shard)
  })
  return {
    plan: { ...plan, fences, entries, rows: rowsOf(entries, major) },
    unreadable: [...waiting.values()],
  }
}

function rowsOf(entries: readonly JournalEntry[], major: number): number {
  return entries.reduce((sum, entry) => sum + admittedOf(entry, major), 0)
}
