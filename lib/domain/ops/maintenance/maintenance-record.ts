import { columnOf } from '#lib/domain/ingest/build-column.ts'
import type { ColumnBatch } from '#lib/domain/kernel/columns.ts'
import type { TableSchema } from '#lib/domain/lake/schema.ts'

/** The work there is, in the order in which a table gets it. */
export const MAINTENANCE_STEPS = ['compact', 'rewrite-manifests', 'expire', 'orphans'] as const

export type MaintenanceStep = (typeof MAINTENANCE_STEPS)[number]

/**
 * What became of a step: `done`, `nothing` to do, `continued` by the next one because time was over, or `refused` by the
 * table's state, which `detail` names.
 */
export type MaintenanceOutcome = 'done' | 'nothing' | 'continued' | 'refused'

/** One step of a run, as it is written down. Counts that the step has not are absent. */
export interface MaintenanceRecord {
  readonly run: string
  /** Counts the steps of the run from 0. */
  readonly number: number
  readonly table: string
  readonly step: MaintenanceStep
  readonly outcome: MaintenanceOutcome
  readonly detail?: string
  readonly startedAtMs: number
  readonly finishedAtMs: number
  readonly counts: MaintenanceCounts
}

export interface MaintenanceCounts {
  /** Data files that became others. */
  readonly filesBefore?: number
  readonly filesAfter?: number
  readonly bytesBefore?: number
  readonly bytesAfter?: number
  readonly manifestsBefore?: number
  readonly manifestsAfter?: number
  readonly snapshotsExpired?: number
  readonly orphansFound?: number
  readonly objectsRemoved?: number
  readonly bytesRemoved?: number
}

/** Never change a position: it is the column's field id. */
const COUNTS = [
  ['files_before', 'filesBefore'],
  ['files_after', 'filesAfter'],
  ['bytes_before', 'bytesBefore'],
  ['bytes_after', 'bytesAfter'],
  ['manifests_before', 'manifestsBefore'],
  ['manifests_after', 'manifestsAfter'],
  ['snapshots_expired', 'snapshotsExpired'],
  ['orphans_found', 'orphansFound'],
  ['objects_removed', 'objectsRemoved'],
  ['bytes_removed', 'bytesRemoved'],
] as const satisfies readonly (readonly [string, keyof MaintenanceCounts])[]

const FIRST_COUNT_ID = 20

export const MAINTENANCE_SCHEMA: TableSchema = {
  fields: [
    { id: 1, name: 'run', required: true, type: 'string', doc: 'execution of the state machine' },
    { id: 2, name: 'number', required: true, type: 'int', doc: 'steps of the run, from 0' },
    { id: 3, name: 'table_name', required: true, type: 'string' },
    { id: 4, name: 'step', required: true, type: 'string', doc: MAINTENANCE_STEPS.join(', ') },
    {
      id: 5,
      name: 'outcome',
      required: true,
      type: 'string',
      doc: 'done, nothing, continued, refused',
    },
    { id: 6, name: 'detail', required: false, type: 'string', doc: 'why it was refused' },
    { id: 7, name: 'started_at', required: true, type: 'timestamptz' },
    { id: 8, name: 'finished_at', required: true, type: 'timestamptz' },
    ...COUNTS.map(
      ([name], at) => ({ id: FIRST_COUNT_ID + at, name, required: false, type: 'long' }) as const,
    ),
  ],
}

/** The record as a row of the table. */
export function encodeRecord(record: MaintenanceRecord): ColumnBatch {
  const values: readonly (string | number | bigint | null)[] = [
    record.run,
    record.number,
    record.table,
    record.step,
    record.outcome,
    record.detail ?? null,
    BigInt(record.startedAtMs) * 1000n,
    BigInt(record.finishedAtMs) * 1000n,
    ...COUNTS.map(([, key]) => {
      const count = record.counts[key]
      return count === undefined ? null : BigInt(count)
    }),
  ]
  return {
    rows: 1,
    columns: new Map(
      MAINTENANCE_SCHEMA.fields.map(({ name, type }, at) => [name, columnOf(type, [values[at]!])]),
    ),
  }
}
