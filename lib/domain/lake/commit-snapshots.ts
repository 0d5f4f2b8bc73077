import type { Contract } from '../contract/contract.ts'
import type { ContractVersions } from '../contract/contract-versions.ts'
import { partitionSpecOf, tableNameOf, tableSchemaOf } from '../contract/table-columns.ts'
import { compareVersions, majorOf } from '../contract/version.ts'
import type { Journal } from '../ingest/journal.ts'
import { type ProductLayout, tableLocation } from '../ingest/layout.ts'
import { hasCode } from '../kernel/errors.ts'
import {
  type Change,
  type CommitOptions,
  type CommitResult,
  commit,
  type Decide,
} from './commit.ts'
import {
  type CommitPlan,
  type JournalGap,
  planCommit,
  type UnreadableVerdicts,
  upToUnreadable,
} from './commit-plan.ts'
import { EntryFiles } from './entry-files.ts'
import { fencesProperty, fencesSummary } from './fences.ts'
import type { IcebergType, TableField, TableSchema } from './schema.ts'
import { createTableIfAbsent, type Lake, type Table } from './table.ts'

export interface CommitSnapshotsDependencies {
  readonly lake: Lake
  readonly journal: Journal
  readonly contracts: ContractVersions
  readonly layout: ProductLayout
  readonly database: string
  readonly commit?: CommitOptions
  /** Entries of one shard that one commit takes at most. */
  readonly maxEntriesPerShard?: number
}

/** Of all tables of the product together. */
export interface CommitReport {
  readonly commits: number
  readonly entries: number
  readonly rows: number
  /** Shards whose next entry does not follow the fence: something is missing in the journal. */
  readonly gaps: readonly JournalGap[]
  /** Versions that judged batches which wait for a deployment that knows them. */
  readonly unknownVersions: readonly string[]
  /** Shards that wait because the verdicts object of their next entry cannot be read. */
  readonly unreadable: readonly UnreadableVerdicts[]
}

/** The newest contract version whose rows a table holds. */
const CONTRACT_PROPERTY = 'weir.contract'

/** Entries that a table whose major nobody sends any more, or yet, leaves behind its fence. */
const MOST_IDLE_ENTRIES = 100

/**
 * Brings the product's tables, one per major of its contract, up to the journal: one append for all entries past the
 * fences, fences in the same swap. The journal decides what is new; a bell, twice or late, changes nothing, and what
 * comes after the journal was read rings its own. A table that cannot be committed to does not hold up the others; its
 * error is thrown last. Nor does a shard that has to wait: the report names it.
 */
export async function commitSnapshots(deps: CommitSnapshotsDependencies): Promise<CommitReport> {
  const reports: CommitReport[] = []
  const failures: unknown[] = []
  const files = new EntryFiles(deps.lake.objects)
  for (const contract of deps.contracts.majors) {
    try {
      reports.push(await commitMajor(deps, contract, files))
    } catch (error) {
      failures.push(error)
    }
  }
  if (failures.length > 0) throw failures[0]
  const sum = (of: (report: CommitReport) => number) =>
    reports.reduce((total, report) => total + of(report), 0)
  return {
    commits: sum((report) => report.commits),
    entries: sum((report) => report.entries),
    rows: sum((report) => report.rows),
    gaps: reports.flatMap((report) => report.gaps),
    unknownVersions: [...new Set(reports.flatMap((report) => report.unknownVersions))],
    unreadable: reports.flatMap((report) => report.unreadable),
  }
}

async function commitMajor(
  deps: CommitSnapshotsDependencies,
  contract: Contract,
  files: EntryFiles,
): Promise<CommitReport> {
  const major = majorOf(contract.version)
  const done = { commits: 0, entries: 0, rows: 0 }
  let taken: CommitPlan | undefined
  let last: ReadablePlan | undefined
  const decide = async (table: Table): Promise<Change | undefined> => {
    const planned = await planCommit(deps, table, contract)
    last = upToUnreadable(planned, major, await files.load(planned.entries, major))
    // Nothing left: either nothing was to do, or the attempt whose answer was lost has done it.
    if (last.plan.entries.length === 0 || isIdle(deps, last.plan)) return undefined
    taken = last.plan
    return changeOf(deps, table, contract, last.plan, files)
  }
  for (;;) {
    const { committed } = await commitOrCreate(deps, contract, decide)
    if (committed) {
      done.commits += 1
      done.entries += taken?.entries.length ?? 0
      done.rows += taken?.rows ?? 0
    }
    if (!committed || last === undefined || last.plan.isWhole) {
      const { gaps = [], unknownVersions = [] } = last?.plan ?? {}
      return { ...done, gaps, unknownVersions, unreadable: last?.unreadable ?? [] }
    }
  }
}

type ReadablePlan = ReturnType<typeof upToUnreadable>

/** That the table is there is asked only if it is not: every commit loads it anyway. */
async function commitOrCreate(
  deps: CommitSnapshotsDependencies,
  contract: Contract,
  decide: Decide,
): Promise<CommitResult> {
  const name = { database: deps.database, name: tableNameOf(contract) }
  try {
    return await commit(deps.lake, name, decide, deps.commit)
  } catch (error) {
    if (!hasCode(error, 'lake.tableNotFound')) throw error
  }
  await createTableIfAbsent(deps.lake, {
    name,
    location: tableLocation(deps.layout, name.name),
    schema: tableSchemaOf(contract),
    spec: partitionSpecOf(contract),
    properties: { [CONTRACT_PROPERTY]: contract.version },
  })
  return commit(deps.lake, name, decide, deps.commit)
}

/**
 * With several majors a commit that only moves the fence waits until it is worth it. A table that is the only one
 * commits always: its fence tells how far the product is.
 */
function isIdle(
  { contracts }: CommitSnapshotsDependencies,
  { entries, rows }: CommitPlan,
): boolean {
  return contracts.majors.length > 1 && rows === 0 && entries.length < MOST_IDLE_ENTRIES
}

function changeOf(
  deps: CommitSnapshotsDependencies,
  table: Table,
  contract: Contract,
  { entries, fences }: CommitPlan,
  entryFiles: EntryFiles,
): Change {
  const files = entryFiles.of(entries, majorOf(contract.version))
  const before = table.properties[CONTRACT_PROPERTY] ?? '0.0.0'
  const versions = files.map((file) => file.contractVersion).sort(compareVersions)
  const newest = versions.at(-1) ?? before
  const isNewer = compareVersions(newest, before) >= 0
  return {
    files,
    ...(files.length > 0 && {
      schema: schemaFor(deps.contracts.byVersion(newest), { withDocs: isNewer }),
    }),
    summary: { ...fencesSummary(fences), 'weir.entries': String(entries.length) },
    setProperties: (snapshotId) => ({
      ...fencesProperty(snapshotId, fences),
      ...(isNewer && { [CONTRACT_PROPERTY]: newest }),
    }),
  }
}

/** Words of an older version must not take the place of a newer one's. */
function schemaFor(contract: Contract, { withDocs }: { withDocs: boolean }): TableSchema {
  const schema = tableSchemaOf(contract)
  return withDocs ? schema : { fields: schema.fields.map(withoutDoc) }
}

function withoutDoc({ doc: _doc, ...field }: TableField): TableField {
  return { ...field, type: withoutDocs(field.type) }
}

function withoutDocs(type: IcebergType): IcebergType {
  if (typeof type === 'string') return type
  if (type.type === 'list') return { ...type, element: withoutDocs(type.element) }
  return { ...type, fields: type.fields.map(withoutDoc) }
}
