import type { ContractVersions } from '#lib/domain/contract/contract-versions.ts'
import { majorOf } from '#lib/domain/contract/version.ts'
import type { Journal } from '#lib/domain/ingest/journal.ts'
import type { ProductLayout } from '#lib/domain/ingest/layout.ts'
import type { ObjectStore } from '#lib/domain/kernel/object-store.ts'
import { planCommit, upToUnreadable } from '#lib/domain/lake/commit-plan.ts'
import { EntryFiles } from '#lib/domain/lake/entry-files.ts'
import type { ProductTable } from './product-tables.ts'

/** Something that does not go into a table, and will not by itself. */
export interface Waiting {
  readonly table: string
  /** Absent if all of them wait. */
  readonly shard?: string
  readonly reason: string
}

export interface WaitingSources {
  readonly journal: Journal
  readonly objects: ObjectStore
  readonly contracts: ContractVersions
  readonly layout: ProductLayout
}

/**
 * What the next commit of each table would have to leave behind, and why: asked as the commit asks, of the next entry
 * of each shard. Empty if it would take them all.
 */
export async function waitingShards(
  sources: WaitingSources,
  tables: readonly ProductTable[],
): Promise<readonly Waiting[]> {
  const files = new EntryFiles(sources.objects)
  const found: Waiting[] = []
  for (const { name, major, table } of tables) {
    const contract = sources.contracts.majors.find((one) => majorOf(one.version) === major)
    if (table === undefined || contract === undefined) continue
    try {
      const plan = await planCommit({ ...sources, maxEntriesPerShard: 1 }, table, contract)
      const { unreadable } = upToUnreadable(plan, major, await files.load(plan.entries, major))
      for (const { shard, fence, prev } of plan.gaps) {
        const reason = `entries are missing in the journal: none follows ${fence}, the next one ${prev}`
        found.push({ table: name, shard, reason })
      }
      for (const { shard, reason } of unreadable) found.push({ table: name, shard, reason })
      for (const version of plan.unknownVersions) {
        found.push({ table: name, reason: `contract ${version} is not known here: deploy it` })
      }
    } catch (error) {
      // On hold, rolled back or another table: the commit says the same.
      if (!isPlatformError(error)) throw error
      found.push({ table: name, reason: error.message })
    }
  }
  return found
}

function isPlatformError(error: unknown): error is Error {
  return error instanceof Error && error.name === 'PlatformError'
}
