import type { Contract } from '#lib/domain/contract/contract.ts'
import type { ContractVersions } from '#lib/domain/contract/contract-versions.ts'
import { tableNameOf } from '#lib/domain/contract/table-columns.ts'
import type { ProductLayout } from '#lib/domain/ingest/layout.ts'
import type { Clock } from '#lib/domain/kernel/clock.ts'
import { PlatformError } from '#lib/domain/kernel/errors.ts'
import type { Micros } from '#lib/domain/kernel/time.ts'
import type { TableName } from '#lib/domain/lake/catalog.ts'
import { LiveRowReader } from '#lib/domain/lake/live-rows.ts'
import type { LiveDataFile, SnapshotContents } from '#lib/domain/lake/snapshot-contents.ts'
import type { SwapOptions } from '#lib/domain/lake/swap-metadata.ts'
import { type Lake, requireTable, type Table, tableFrom } from '#lib/domain/lake/table.ts'
import { snapshotOf } from '#lib/domain/lake/table-metadata.ts'
import { standingAt } from '#lib/domain/lake/table-on-branch.ts'
import { featureTableName } from '#lib/domain/process/feature-table.ts'
import { contractOfView, definitionHash, type ViewDefinition } from '#lib/domain/process/view.ts'
import type { BackfillRequest } from './backfill.ts'
import type { BackfillStore } from './backfill-store.ts'
import { MICROS_PER_DAY } from './plan.ts'

/** What every step of a backfill works with. */
export interface BackfillDependencies {
  readonly store: BackfillStore
  readonly lake: Lake
  readonly layout: ProductLayout
  readonly database: string
  readonly contracts: ContractVersions
  readonly views: readonly ViewDefinition[]
  readonly clock: Clock
  readonly swap?: SwapOptions
}

/** A view with the tables that a backfill reads and writes. */
export interface BackfilledView {
  readonly view: ViewDefinition
  readonly contract: Contract
  /** Rows: the curated table. */
  readonly source: TableName
  /** Windows: the view's feature table. */
  readonly target: TableName
}

/** Throws `backfill.redefined` where the view that is deployed is not the one that was asked for. */
export function backfilledView(
  { views, contracts, database }: Pick<BackfillDependencies, 'views' | 'contracts' | 'database'>,
  request: Pick<BackfillRequest, 'view' | 'version' | 'definition'>,
): BackfilledView {
  const view = views.find(({ name }) => name === request.view)
  const known = view && viewIn({ contracts, database }, view)
  const isSame =
    known !== undefined && definitionHash(known.view, known.contract) === request.definition
  if (isSame && (known.view.version ?? 1) === request.version) return known
  throw new PlatformError(
    'backfill.redefined',
    `view "${request.view}" is deployed with another definition than this backfill was asked for: deploy that one (\`npm run weir -- up\`), or start a new backfill`,
  )
}

export function viewIn(
  { contracts, database }: Pick<BackfillDependencies, 'contracts' | 'database'>,
  view: ViewDefinition,
): BackfilledView {
  const contract = contractOfView(view, contracts)
  return {
    view,
    contract,
    source: { database, name: tableNameOf(contract) },
    target: { database, name: featureTableName(contract.product, view) },
  }
}

/** The table as it stood at a snapshot; throws `lake.snapshotGone`. */
export async function tableAt(lake: Lake, name: TableName, snapshot: string): Promise<Table> {
  const { table } = await requireTable(lake, name)
  return standing(lake, table, snapshot)
}

/** Throws `lake.snapshotGone`. */
export function standing(lake: Pick<Lake, 'objects'>, table: Table, snapshot: string): Table {
  const id = BigInt(snapshot)
  if (snapshotOf(table.metadata, id) === undefined) {
    throw new PlatformError(
      'lake.snapshotGone',
      `${table.name.database}.${table.name.name} has no snapshot ${snapshot}: it may have expired`,
    )
  }
  return tableFrom(lake, table.name, standingAt(table.metadata, id), table.metadataLocation)
}

/** What a table has of one day. */
export interface DayFiles {
  readonly data: readonly LiveDataFile[]
  /** Files that delete rows of these. */
  readonly deletes: readonly string[]
}

/** The live files of a feature table's windows that start in a range of whole days, by the start of the day. */
export async function filesByDay(
  lake: Pick<Lake, 'objects'>,
  table: Table,
  range: { readonly from: Micros; readonly to: Micros },
): Promise<ReadonlyMap<Micros, DayFiles>> {
  const contents: SnapshotContents = await table.contents()
  const reader = new LiveRowReader(lake.objects, table.metadata, contents.deletes)
  const days = new Map<Micros, { data: LiveDataFile[]; deletes: string[] }>()
  for (const data of contents.data) {
    const day = dayOfFile(table, data)
    if (day < range.from || day >= range.to) continue
    const known = days.get(day) ?? { data: [], deletes: [] }
    known.data.push(data)
    known.deletes.push(...reader.deletesOf(data).map(({ file }) => file.path))
    days.set(day, known)
  }
  return days
}

/** The days of a range whose files are not the same in both. */
export function daysThatDiffer(
  a: ReadonlyMap<Micros, DayFiles>,
  b: ReadonlyMap<Micros, DayFiles>,
): readonly Micros[] {
  const days = new Set([...a.keys(), ...b.keys()])
  return [...days].filter((day) => namesOf(a.get(day)) !== namesOf(b.get(day))).toSorted(ascending)
}

function namesOf(files: DayFiles | undefined): string {
  const paths = files?.data.map(({ file }) => file.path).toSorted() ?? []
  return JSON.stringify([paths, [...new Set(files?.deletes)].toSorted()])
}

function dayOfFile(table: Table, { file }: LiveDataFile): Micros {
  const day = file.partition.window_start_day
  if (typeof day === 'number') return day * MICROS_PER_DAY
  throw new PlatformError(
    'lake.partitionMismatch',
    `${file.path} is not parted by the day that windows start on, as ${table.name.name} was made: compact it first`,
    { context: { path: file.path } },
  )
}

function ascending(a: number, b: number): number {
  return a - b
}
