import type { Contract } from '../contract/contract.ts'
import type { ContractVersions } from '../contract/contract-versions.ts'
import { partitionSpecOf, tableNameOf, tableSchemaOf } from '../contract/table-columns.ts'
import { compareVersions, majorOf } from '../contract/version.ts'
import type { Journal, JournalEntry } from '../ingest/journal.ts'
import { type ProductLayout, tableLocation } from '../ingest/layout.ts'
import { admittedOf } from '../ingest/major-starts.ts'
import { type CuratedFile, decodeVerdicts } from '../ingest/verdicts-object.ts'
import { inParallel } from '../kernel/in-parallel.ts'
import { type Change, type CommitOptions, commit } from './commit.ts'
import { type CommitPlan, type JournalGap, planCommit } from './commit-plan.ts'
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
}

/** The newest contract version whose rows a table holds. */
const CONTRACT_PROPERTY = 'weir.contract'

/** Entries that a table whose major nobody sends any more, or yet, leaves behind its fence. */
const MOST_IDLE_ENTRIES = 100

/**
 * Brings the product's tables, one per major of its contract, up to the journal: one append for all entries past the
 * fences, fences in the same swap, until nothing is left. The journal decides what is new; a bell, twice or late,
 * changes nothing. A table that cannot be committed to does not hold up the others; its error is thrown last.
 */
export async function commitSnapshots(deps: CommitSnapshotsDependencies): Promise<CommitReport> {
  const reports: CommitReport[] = []
  const failures: unknown[] = []
  const files: FilesByUri = new Map()
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
  }
}

async function commitMajor(
  deps: CommitSnapshotsDependencies,
  contract: Contract,
  files: FilesByUri,
): Promise<CommitReport> {
  const name = { database: deps.database, name: tableNameOf(contract) }
  await createTableIfAbsent(deps.lake, {
    name,
    location: tableLocation(deps.layout, name.name),
    schema: tableSchemaOf(contract),
    spec: partitionSpecOf(contract),
    properties: { [CONTRACT_PROPERTY]: contract.version },
  })
  const done = { commits: 0, entries: 0, rows: 0 }
  let plan: CommitPlan | undefined
  let taken: CommitPlan | undefined
  for (;;) {
    const outcome = await commit(
      deps.lake,
      name,
      async (table) => {
        plan = await planCommit(deps, table, contract)
        // Nothing left: either nothing was to do, or the attempt whose answer was lost has done it.
        if (plan.entries.length === 0 || isIdle(deps, plan)) return undefined
        taken = plan
        return changeOf(deps, table, contract, plan, files)
      },
      deps.commit,
    )
    if (!outcome.committed) {
      return { ...done, gaps: plan?.gaps ?? [], unknownVersions: plan?.unknownVersions ?? [] }
    }
    done.commits += 1
    done.entries += taken?.entries.length ?? 0
    done.rows += taken?.rows ?? 0
  }
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

async function changeOf(
  deps: CommitSnapshotsDependencies,
  table: Table,
  contract: Contract,
  { entries, fences }: CommitPlan,
  known: FilesByUri,
): Promise<Change> {
  const files = await filesOf(deps, entries, majorOf(contract.version), known)
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

type FilesByUri = Map<string, readonly CuratedFile[]>

const READS_AT_ONCE = 16

/** The files of the entries that hold rows of this major, with the version that these were judged by. */
async function filesOf(
  deps: CommitSnapshotsDependencies,
  entries: readonly JournalEntry[],
  major: number,
  known: FilesByUri,
): Promise<readonly Required<CuratedFile>[]> {
  const holding = entries.filter((entry) => admittedOf(entry, major) > 0)
  const missing = holding.flatMap(({ verdictsUri }) =>
    verdictsUri === undefined || known.has(verdictsUri) ? [] : [verdictsUri],
  )
  await inParallel(missing, READS_AT_ONCE, async (uri) => {
    known.set(uri, decodeVerdicts(uri, await deps.lake.objects.get(uri)).files)
  })
  return holding
    .flatMap((entry) =>
      known
        .get(entry.verdictsUri!)!
        .map((file) => ({ contractVersion: entry.contractVersion, ...file })),
    )
    .filter((file) => majorOf(file.contractVersion) === major)
}
