import type { Table } from '#lib/domain/lake/table.ts'
import type {
  MaintenanceCounts,
  MaintenanceRecord,
} from '#lib/domain/ops/maintenance/maintenance-record.ts'
import { lastRun } from '#lib/domain/ops/maintenance/maintenance-table.ts'
import { bytesText } from './byte-text.ts'
import { grouped } from './terminal.ts'

/** What the last run over a product's tables did. */
export interface MaintenanceStatus {
  readonly run: string
  readonly finishedAt: string
  readonly steps: readonly Pick<
    MaintenanceRecord,
    'table' | 'step' | 'outcome' | 'detail' | 'counts'
  >[]
}

/** Null before the first run. */
export function maintenanceStatus(table: Table | undefined): MaintenanceStatus | null {
  const records = table === undefined ? [] : lastRun(table)
  const last = records.at(-1)
  if (last === undefined) return null
  return {
    run: last.run,
    finishedAt: new Date(last.finishedAtMs).toISOString(),
    steps: records.map(({ table: name, step, outcome, detail, counts }) => ({
      table: name,
      step,
      outcome,
      ...(detail !== undefined && { detail }),
      counts,
    })),
  }
}

/** When the tables were tended, and what was worth mentioning; nothing before the first run. */
export function maintenanceLines(status: MaintenanceStatus | null): readonly string[] {
  if (status === null) return []
  const worth = status.steps.flatMap(({ table, step, outcome, detail, counts }) => {
    if (outcome === 'nothing') return []
    if (outcome === 'refused') return [`  ${table}: ${step} refused, ${detail}`]
    return [`  ${table}: ${workText(counts)}${outcome === 'continued' ? ', goes on' : ''}`]
  })
  const head = `tables tended ${status.finishedAt}`
  return worth.length === 0 ? [`${head}: nothing to do`] : [head, ...worth]
}

function workText(counts: MaintenanceCounts): string {
  const { filesBefore = 0, filesAfter = 0, manifestsBefore, manifestsAfter } = counts
  const { snapshotsExpired, objectsRemoved = 0, bytesRemoved = 0, orphansFound } = counts
  if (filesBefore > 0) return `${grouped(filesBefore)} files became ${grouped(filesAfter)}`
  if (manifestsBefore !== undefined && manifestsAfter !== undefined) {
    return `${grouped(manifestsBefore)} manifests became ${grouped(manifestsAfter)}`
  }
  if (snapshotsExpired !== undefined) return `${grouped(snapshotsExpired)} snapshots expired`
  const removed = `${grouped(objectsRemoved)} orphans of ${bytesText(bytesRemoved)} removed`
  return orphansFound === undefined
    ? removed
    : `${removed}, ${grouped(orphansFound)} found for the next run`
}
