import { batchViewOf } from '#lib/domain/features/batch/batch-states.ts'
import { within } from '#lib/domain/features/batch/plan-batch.ts'
import type { DataFile } from '#lib/domain/lake/data-file.ts'
import { isLive } from '#lib/domain/lake/manifest.ts'
import { boundOf } from '#lib/domain/lake/predicate/bounds.ts'
import { loadTable, manifestsOf, requireTable, type Table } from '#lib/domain/lake/table.ts'
import { currentSnapshotOf } from '#lib/domain/lake/table-metadata.ts'
import { planScan } from '#lib/domain/lake/table-scan.ts'
import { FEATURE_TIME_COLUMN } from '#lib/domain/process/feature-table.ts'
import { MAX_TIME, MIN_TIME } from '#lib/domain/process/window.ts'
import type { BackfillRequest } from './backfill.ts'
import { type BackfillPlan, type FileExtent, type PlanInput, planBackfill } from './plan.ts'
import { type BackfillDependencies, backfilledView, filesByDay } from './range-tables.ts'
import { requireFinal } from './request.ts'
import { lastEventOf } from './window-rows.ts'

export type PlanTerms = Pick<PlanInput, 'parallel' | 'approveAboveUsd'>

/**
 * Plans a backfill from the tables' metadata as they stand; opens no data file and writes nothing. Throws
 * `backfill.notFinal`, `backfill.redefined`, `backfill.tooLarge`, `lake.tableNotFound`.
 */
export async function planOf(
  deps: Pick<BackfillDependencies, 'lake' | 'views' | 'contracts' | 'database'>,
  request: BackfillRequest,
  terms: PlanTerms,
): Promise<BackfillPlan> {
  const { lake, contracts } = deps
  const { view, contract, source, target } = backfilledView(deps, request)
  const { from, to } = request
  const end = lastEventOf(view, to)
  await requireFinal(deps, target, end)
  const [rows, { table: present }] = [
    await loadTable(lake, source),
    await requireTable(lake, target),
  ]
  const range = { from, to: end }
  const files = rows
    ? (await planScan(lake.objects, rows, within(batchViewOf(view, contracts), range))).files
    : []
  const days = [...(await filesByDay(lake, present, request)).values()]
  return planBackfill({
    from,
    to,
    reach: end - to,
    source: files.map(({ data }) => extentOf(rows!, contract.eventTime, data.file)),
    present: days.flatMap(({ data }) =>
      data.map(({ file }) => extentOf(present, FEATURE_TIME_COLUMN, file)),
    ),
    sourceManifests: rows ? await manifestCount(lake, rows) : 0,
    presentManifests: await manifestCount(lake, present),
    ...terms,
  })
}

function extentOf({ schema }: Table, column: string, file: DataFile): FileExtent {
  const { id } = schema.fields.find(({ name }) => name === column)!
  const [lower, upper] = [file.lowerBounds[id], file.upperBounds[id]]
  const { recordCount: rows, sizeBytes: bytes } = file
  return {
    first: lower === undefined ? MIN_TIME : Number(boundOf('timestamptz', lower)),
    last: upper === undefined ? MAX_TIME : Number(boundOf('timestamptz', upper)),
    rows,
    bytes,
  }
}

async function manifestCount(
  { objects }: BackfillDependencies['lake'],
  { metadata }: Table,
): Promise<number> {
  return (await manifestsOf(objects, currentSnapshotOf(metadata))).filter(isLive).length
}
