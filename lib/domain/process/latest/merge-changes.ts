import type { ContractVersions } from '#lib/domain/contract/contract-versions.ts'
import { tableNameOf } from '#lib/domain/contract/table-columns.ts'
import { compareVersions, majorOf } from '#lib/domain/contract/version.ts'
import type { Journal, JournalEntry } from '#lib/domain/ingest/journal.ts'
import { type ProductLayout, tableLocation } from '#lib/domain/ingest/layout.ts'
import { admittedOf } from '#lib/domain/ingest/major-starts.ts'
import { concatBatches } from '#lib/domain/kernel/concat-columns.ts'
import { PlatformError } from '#lib/domain/kernel/errors.ts'
import { inParallel } from '#lib/domain/kernel/in-parallel.ts'
import { type Predecessor, START } from '#lib/domain/kernel/sequence-number.ts'
import { type Change, type CommitOptions, commit } from '#lib/domain/lake/commit.ts'
import { planCommit, upToUnreadable } from '#lib/domain/lake/commit-plan.ts'
import { EntryFiles } from '#lib/domain/lake/entry-files.ts'
import { type Fences, fencesProperty, fencesSummary, readFences } from '#lib/domain/lake/fences.ts'
import { readDataFile } from '#lib/domain/lake/read-data-file.ts'
import { createTableIfAbsent, type Lake, loadTable, type Table } from '#lib/domain/lake/table.ts'
import {
  type ChangeContract,
  isChangeContract,
  latestTableName,
  latestTableSchema,
  latestTableSpec,
} from './latest-table.ts'
import { mergedFiles } from './merged-files.ts'

export interface MergeChangesDependencies {
  readonly lake: Lake
  readonly journal: Journal
  readonly contracts: ContractVersions
  readonly layout: ProductLayout
  readonly database: string
  readonly commit?: CommitOptions
  /** Changes that one commit merges at most; one batch it takes whatever it holds. @default 100,000 */
  readonly maxChanges?: number
}

export interface MergeReport {
  readonly commits: number
  /** Changes that were looked at, also those that were not the newest of their row. */
  readonly changes: number
  /** Whether the table of changes had nothing more. */
  readonly isComplete: boolean
}

const MAX_CHANGES = 100_000
const READS_AT_ONCE = 16
const CONTRACT_PROPERTY = 'weir.contract'

/**
 * Brings each table of newest changes (`<product>_latest`) up to the table of changes that it is made of: the batches between its fences and
 * those of that table are merged by the row's key, files of which rows are replaced are written anew, and the fences move
 * in the same swap. Which change of a row is the newest does not depend on the order in which they come, so a repeat, a late change and
 * a conflict all lead to the same rows.
 */
export async function mergeChanges(deps: MergeChangesDependencies): Promise<MergeReport> {
  const report = { commits: 0, changes: 0, isComplete: true }
  const failures: unknown[] = []
  for (const contract of deps.contracts.majors) {
    if (!isChangeContract(contract)) continue
    try {
      const done = await mergeMajor(deps, contract)
      report.commits += done.commits
      report.changes += done.changes
      report.isComplete &&= done.isComplete
    } catch (error) {
      // What is wrong with one table must not stop the others; it is raised when they are done.
      failures.push(error)
    }
  }
  if (failures.length > 0) throw failures[0]
  return report
}

async function mergeMajor(
  deps: MergeChangesDependencies,
  contract: ChangeContract,
): Promise<MergeReport> {
  const changes = { database: deps.database, name: tableNameOf(contract) }
  const appended = await loadTable(deps.lake, changes)
  const done = { commits: 0, changes: 0, isComplete: true }
  // Nothing was committed yet: nothing is to be merged.
  if (appended === undefined) return done
  const upTo = await readFences(appended)
  const name = { database: deps.database, name: latestTableName(contract) }
  await createTableIfAbsent(deps.lake, {
    name,
    location: tableLocation(deps.layout, name.name),
    schema: latestTableSchema(contract),
    spec: latestTableSpec(contract),
    properties: { [CONTRACT_PROPERTY]: contract.version },
  })
  for (;;) {
    let taken: Taken | undefined
    const { committed } = await commit(
      deps.lake,
      name,
      async (table) => {
        refuseOlder(table, contract)
        taken = await entriesToTake(deps, table, contract, upTo)
        return taken.entries.length === 0 ? undefined : changeOf(deps, table, contract, taken)
      },
      deps.commit,
    )
    if (committed) {
      done.commits += 1
      done.changes += taken?.changes ?? 0
    }
    if (!committed || taken === undefined || taken.isWhole) return done
  }
}

interface Taken {
  readonly entries: readonly JournalEntry[]
  readonly fences: Fences
  readonly files: EntryFiles
  readonly changes: number
  readonly isWhole: boolean
}

/** The next entries that the table of changes has and this one has not, as many as one commit takes. */
async function entriesToTake(
  deps: MergeChangesDependencies,
  table: Table,
  contract: ChangeContract,
  upTo: Fences,
): Promise<Taken> {
  const major = majorOf(contract.version)
  const planned = await planCommit(deps, table, contract)
  const files = new EntryFiles(deps.lake.objects)
  const appended = planned.entries.filter(({ shard, last }) => {
    const fence = upTo[shard] ?? START
    return fence !== START && last <= fence
  })
  const [entries, changes] = asManyAs(appended, major, deps.maxChanges ?? MAX_CHANGES)
  const fences = fencesUpTo(planned.fences, planned.entries, entries)
  const readable = upToUnreadable(
    { ...planned, entries, fences },
    major,
    await files.load(entries, major),
  )
  const [unreadable] = readable.unreadable
  if (unreadable !== undefined && readable.plan.entries.length === 0) {
    throw new PlatformError('verdicts.unreadable', unreadable.reason, { retryable: true })
  }
  return {
    entries: readable.plan.entries,
    fences: readable.plan.fences,
    files,
    changes,
    isWhole: planned.isWhole && entries.length === appended.length,
  }
}

function asManyAs(
  entries: readonly JournalEntry[],
  major: number,
  most: number,
): readonly [JournalEntry[], number] {
  const taken: JournalEntry[] = []
  let changes = 0
  for (const entry of entries) {
    const more = admittedOf(entry, major)
    if (taken.length > 0 && changes + more > most) break
    taken.push(entry)
    changes += more
  }
  return [taken, changes]
}

/** The fences of a plan, moved back before each shard's first entry that is not taken. */
function fencesUpTo(
  planned: Fences,
  all: readonly JournalEntry[],
  taken: readonly JournalEntry[],
): Fences {
  const fences: Record<string, Predecessor> = { ...planned }
  const isTaken = new Set(taken)
  for (const entry of [...all].reverse()) {
    if (!isTaken.has(entry)) fences[entry.shard] = entry.prev
  }
  return fences
}

async function changeOf(
  { lake, contracts }: MergeChangesDependencies,
  table: Table,
  contract: ChangeContract,
  { entries, fences, files }: Taken,
): Promise<Change> {
  const judged = files.of(entries, majorOf(contract.version))
  const schema = latestTableSchema(contract)
  const batches = await inParallel(judged, READS_AT_ONCE, (file) =>
    readDataFile(lake.objects, file, schema),
  )
  const quarantineDays = contracts.current.retention.quarantineDays
  const merged =
    batches.length === 0
      ? { files: [], removed: [] }
      : await mergedFiles(lake, table, contract, concatBatches(batches), {
          // A change can be sent again from quarantine for so long: before that, a row that was deleted must be remembered.
          deletedBefore: BigInt(lake.clock.nowMs() - (quarantineDays + 1) * 86_400_000) * 1000n,
        })
  return {
    ...merged,
    schema,
    summary: fencesSummary(fences),
    setProperties: (snapshotId) => ({
      ...fencesProperty(snapshotId, fences),
      [CONTRACT_PROPERTY]: contract.version,
    }),
  }
}

/** Rows are read and written anew as the contract has them: an older one would drop a newer one's columns. */
function refuseOlder(table: Table, contract: ChangeContract): void {
  const written = table.properties[CONTRACT_PROPERTY]
  if (written === undefined || compareVersions(contract.version, written) >= 0) return
  throw new PlatformError(
    'contract.versionUnknown',
    `table ${table.name.database}.${table.name.name} has rows of contract ${written}, and ${contract.version} is deployed: deploy the newer one`,
    { retryable: true },
  )
}
