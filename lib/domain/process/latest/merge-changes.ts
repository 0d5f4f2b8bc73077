import { type ChangeContract, isChangeContract } from '#lib/domain/contract/change-terms.ts'
import type { ContractVersions } from '#lib/domain/contract/contract-versions.ts'
import { latestTableName, tableNameOf } from '#lib/domain/contract/table-columns.ts'
import { compareVersions, majorOf } from '#lib/domain/contract/version.ts'
import type { Journal, JournalEntry } from '#lib/domain/ingest/journal.ts'
import { type ProductLayout, tableLocation } from '#lib/domain/ingest/layout.ts'
import { admittedOf } from '#lib/domain/ingest/major-starts.ts'
import { concatBatches } from '#lib/domain/kernel/concat-columns.ts'
import { hasCode, PlatformError } from '#lib/domain/kernel/errors.ts'
import { inParallel } from '#lib/domain/kernel/in-parallel.ts'
import { type Predecessor, START } from '#lib/domain/kernel/sequence-number.ts'
import type { TableName } from '#lib/domain/lake/catalog.ts'
import { type Change, type CommitOptions, commit } from '#lib/domain/lake/commit.ts'
import { planCommit, upToUnreadable } from '#lib/domain/lake/commit-plan.ts'
import type { DataFile } from '#lib/domain/lake/data-file.ts'
import { EntryFiles } from '#lib/domain/lake/entry-files.ts'
import {
  FENCES_PROPERTY,
  type Fences,
  fencesProperty,
  fencesSummary,
  readFences,
  refuseOnHold,
} from '#lib/domain/lake/fences.ts'
import { readDataFile } from '#lib/domain/lake/read-data-file.ts'
import { createTableIfAbsent, type Lake, loadTable, type Table } from '#lib/domain/lake/table.ts'
import { latestTableSchema, latestTableSpec } from './latest-table.ts'
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
  /** Whether it is time to end, with what is merged so far. */
  readonly shallStop?: () => boolean
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
const MS_PER_DAY = 86_400_000
const CONTRACT_PROPERTY = 'weir.contract'

/**
 * Brings each table of newest changes (`<product>_latest`) up to the table of changes that it is made of: the batches
 * between its fences and those of that table are merged by the row's key, files of which rows are replaced are
 * written anew, and the fences move in the same swap. Which change of a row is the newest does not depend on the
 * order in which they come, so a repeat, a late change and a conflict all lead to the same rows.
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
  const table = await createTableIfAbsent(deps.lake, {
    name,
    location: tableLocation(deps.layout, name.name),
    schema: latestTableSchema(contract),
    spec: latestTableSpec(contract),
    properties: { [CONTRACT_PROPERTY]: contract.version },
  })
  const merge = { deps, contract, name, appended, upTo }
  if (table.properties[FENCES_PROPERTY] === undefined) add(done, await mergeAll(merge))
  try {
    add(done, await mergeNew(merge))
  } catch (error) {
    // Nobody merged for so long that files of batches are gone: the table of changes has their rows in others.
    if (!hasCode(error, 'objects.notFound')) throw error
    add(done, await mergeAll(merge))
  }
  return done
}

interface Merge {
  readonly deps: MergeChangesDependencies
  readonly contract: ChangeContract
  readonly name: TableName
  /** The table of changes, and how far it is. */
  readonly appended: Table
  readonly upTo: Fences
}

type Done = { -readonly [Name in keyof MergeReport]: MergeReport[Name] }

function add(done: Done, more: MergeReport): void {
  done.commits += more.commits
  done.changes += more.changes
  done.isComplete &&= more.isComplete
}

/** Merges the batches between the fences of both tables, as many as one commit takes, until there are none. */
async function mergeNew({ deps, contract, name, upTo }: Merge): Promise<MergeReport> {
  const done: Done = { commits: 0, changes: 0, isComplete: true }
  for (;;) {
    if (deps.shallStop?.()) return { ...done, isComplete: false }
    let taken: Taken | undefined
    const { committed } = await commit(
      deps.lake,
      name,
      async (table) => {
        refuseOlder(table, contract)
        taken = await entriesToTake(deps, table, contract, upTo)
        if (taken.entries.length === 0) return undefined
        const { entries, fences, files } = taken
        const judged = files.of(entries, majorOf(contract.version))
        return changeOf(deps, table, contract, judged, fences)
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

/**
 * Merges all that the table of changes has, some files at a time, and sets the fences with the last of them: how a
 * table begins. It may be broken off and begun again, since merging a change twice is merging it once.
 */
async function mergeAll({ deps, contract, name, appended, upTo }: Merge): Promise<MergeReport> {
  const done: Done = { commits: 0, changes: 0, isComplete: true }
  const groups = groupsOf(await appended.liveFiles(), deps.maxChanges ?? MAX_CHANGES)
  for (const [i, files] of groups.entries()) {
    if (deps.shallStop?.()) return { ...done, isComplete: false }
    const isLast = i === groups.length - 1
    const { committed } = await commit(
      deps.lake,
      name,
      async (table) => {
        refuseOnHold(table)
        refuseOlder(table, contract)
        const change = await changeOf(deps, table, contract, files, isLast ? upTo : undefined)
        const isNothing = change.files.length === 0 && change.removed?.length === 0
        const isThere = !isLast || isSame(await readFences(table), upTo)
        return isNothing && isThere ? undefined : change
      },
      deps.commit,
    )
    if (committed) done.commits += 1
    done.changes += files.reduce((sum, { recordCount }) => sum + recordCount, 0)
  }
  return done
}

/** Files of so many rows at most, or one; one group at the least. */
function groupsOf(files: readonly DataFile[], most: number): readonly (readonly DataFile[])[] {
  const groups: DataFile[][] = [[]]
  let rows = 0
  for (const file of files) {
    if (rows > 0 && rows + file.recordCount > most) {
      groups.push([])
      rows = 0
    }
    groups.at(-1)!.push(file)
    rows += file.recordCount
  }
  return groups
}

function isSame(a: Fences, b: Fences): boolean {
  const shards = new Set([...Object.keys(a), ...Object.keys(b)])
  return [...shards].every((shard) => a[shard] === b[shard])
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

/** What merging the rows of these files changes, and the fences that it moves to. */
async function changeOf(
  { lake, contracts }: MergeChangesDependencies,
  table: Table,
  contract: ChangeContract,
  files: readonly DataFile[],
  fences: Fences | undefined,
): Promise<Change> {
  const schema = latestTableSchema(contract)
  const batches = await inParallel(files, READS_AT_ONCE, (file) =>
    readDataFile(lake.objects, file, schema),
  )
  // A change can be sent again from quarantine for so long: until then, a row that was deleted has to be remembered.
  const rememberedMs = (contracts.current.retention.quarantineDays + 1) * MS_PER_DAY
  const merged =
    batches.length === 0
      ? { files: [], removed: [] }
      : await mergedFiles(lake, table, contract, concatBatches(batches), {
          deletedBefore: BigInt(lake.clock.nowMs() - rememberedMs) * 1000n,
        })
  return {
    ...merged,
    schema,
    summary: fences === undefined ? {} : fencesSummary(fences),
    setProperties: (snapshotId) => ({
      ...(fences === undefined ? {} : fencesProperty(snapshotId, fences)),
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
