import type { Contract } from '../contract/contract.ts'
import type { ContractVersions } from '../contract/contract-versions.ts'
import { majorOf } from '../contract/version.ts'
import type { Journal, JournalEntry } from '../ingest/journal.ts'
import { admittedOf, firstFence } from '../ingest/major-starts.ts'
import { PlatformError } from '../kernel/errors.ts'
import { type Predecessor, START } from '../kernel/sequence-number.ts'
import { type Fences, HOLD_PROPERTY, readFences } from './fences.ts'
import type { Table } from './table.ts'

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
  readonly maxEntriesPerShard?: number
}

/**
 * What is past the fences of this state of the table, which holds the rows of the contract's major. It is asked again
 * after every conflict and every lost answer, so an entry that is already in the table is never taken twice.
 */
export async function planCommit(
  { journal, contracts, maxEntriesPerShard = 500 }: PlanSources,
  table: Table,
  contract: Contract,
): Promise<CommitPlan> {
  refuseOnHold(table)
  const major = majorOf(contract.version)
  const fences: Record<string, Predecessor> = { ...readFences(table) }
  const isFirst = Object.keys(fences).length === 0
  const entries: JournalEntry[] = []
  const gaps: JournalGap[] = []
  const unknownVersions = new Set<string>()
  for (const { shard } of await journal.shards()) {
    fences[shard] ??= isFirst ? firstFence(await journal.head(shard), major) : START
    for (const entry of await journal.entriesAfter(shard, fences[shard], maxEntriesPerShard)) {
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
  const rows = entries.reduce((sum, entry) => sum + admittedOf(entry, major), 0)
  return { fences, entries, rows, gaps, unknownVersions: [...unknownVersions] }
}

/** Throws `lake.onHold` while a person holds the table. */
export function refuseOnHold({ name, properties }: Table): void {
  const reason = properties[HOLD_PROPERTY]
  if (reason === undefined) return
  throw new PlatformError(
    'lake.onHold',
    `table ${name.database}.${name.name} is on hold: ${reason}`,
  )
}
