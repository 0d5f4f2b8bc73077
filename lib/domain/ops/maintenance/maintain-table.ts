import type { ContractVersions } from '#lib/domain/contract/contract-versions.ts'
import { tableLocation } from '#lib/domain/ingest/layout.ts'
import { hasCode } from '#lib/domain/kernel/errors.ts'
import { loadTable } from '#lib/domain/lake/table.ts'
import type { ViewDefinition } from '#lib/domain/process/view.ts'
import { type LakeTable, lakeTablesOf, maintenanceTableName } from '../lake-tables.ts'
import {
  MAINTENANCE_STEPS,
  type MaintenanceRecord,
  type MaintenanceStep,
} from './maintenance-record.ts'
import { writeRecord } from './maintenance-table.ts'
import { type MaintenanceSources, type WorkDone, workOn } from './work-on-table.ts'

export interface MaintainTableDependencies extends Omit<MaintenanceSources, 'terms'> {
  readonly contracts: ContractVersions
  readonly views: readonly ViewDefinition[]
}

/** How far a run is: what a step is given, and what it hands to the next one. */
export interface MaintenanceRun {
  /** Its name, the same for all of its steps. */
  readonly run: string
  /** Steps before this one. */
  readonly number: number
  /** What is next; absent before the first step, and after the last. */
  readonly next?: { readonly table: string; readonly step: MaintenanceStep }
  readonly done: boolean
}

/** States of a table in which a step is not done, and the run goes on: each waits for a person, and says so. */
const REFUSALS = [
  'lake.onHold',
  'lake.rolledBack',
  'lake.fencesUnproven',
  'lake.unsupportedTable',
  'lake.unsupportedPartition',
  'lake.foreignTable',
]

/**
 * Does the next step of a run over all of a product's tables, writes down what it did, and says what comes after it. A step
 * may be repeated: the work subtracts what is done, and is written down once. One that time has cut short comes again.
 * Throws what may be over when it is repeated.
 */
export async function maintainTable(
  deps: MaintainTableDependencies,
  run: MaintenanceRun,
): Promise<MaintenanceRun> {
  const tables = lakeTablesOf(deps.contracts, deps.views)
  const place = await nextThere(deps, tables, run)
  if (place === undefined) return { run: run.run, number: run.number, done: true }
  const { table, step } = place
  const { clock } = deps.lake
  const startedAtMs = clock.nowMs()
  const done = await attempt(deps, table, step)
  const record: MaintenanceRecord = {
    run: run.run,
    number: run.number,
    table: table.name,
    step,
    startedAtMs,
    finishedAtMs: clock.nowMs(),
    ...done,
  }
  await note(deps, record)
  const next = done.outcome === 'continued' ? { table: table.name, step } : after(tables, place)
  return {
    run: run.run,
    number: run.number + 1,
    ...(next && { next }),
    done: next === undefined,
  }
}

interface Place {
  readonly table: LakeTable
  readonly step: MaintenanceStep
}

/** The step to do: the run's next one, or, where its table has not been made yet, the first of the next that has. */
async function nextThere(
  { lake, database }: MaintainTableDependencies,
  tables: readonly LakeTable[],
  { next, number }: MaintenanceRun,
): Promise<Place | undefined> {
  // A table that a deployment took away meanwhile ends the run; the next one begins with those there are.
  const from = next === undefined ? 0 : tables.findIndex(({ name }) => name === next.table)
  if (from < 0 || (next === undefined && number > 0)) return undefined
  for (const table of tables.slice(from)) {
    if ((await loadTable(lake, { database, name: table.name })) === undefined) continue
    return { table, step: table.name === next?.table ? next.step : MAINTENANCE_STEPS[0] }
  }
  return undefined
}

function after(tables: readonly LakeTable[], { table, step }: Place): MaintenanceRun['next'] {
  const following = MAINTENANCE_STEPS[MAINTENANCE_STEPS.indexOf(step) + 1]
  if (following !== undefined) return { table: table.name, step: following }
  const another = tables[tables.findIndex(({ name }) => name === table.name) + 1]
  return another && { table: another.name, step: MAINTENANCE_STEPS[0] }
}

async function attempt(
  deps: MaintainTableDependencies,
  table: LakeTable,
  step: MaintenanceStep,
): Promise<WorkDone> {
  try {
    return await workOn({ ...deps, terms: deps.contracts.current.maintenance }, table, step)
  } catch (error) {
    const code = REFUSALS.find((one) => hasCode(error, one))
    if (code === undefined) throw error
    return { outcome: 'refused', detail: `${code}: ${(error as Error).message}`, counts: {} }
  }
}

async function note(
  { lake, layout, database, contracts, swap }: MaintainTableDependencies,
  record: MaintenanceRecord,
): Promise<void> {
  const table = maintenanceTableName(contracts.current.product)
  const place = { name: { database, name: table }, location: tableLocation(layout, table) }
  await writeRecord(lake, place, record, swap)
}
