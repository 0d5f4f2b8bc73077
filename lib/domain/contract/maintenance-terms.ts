import type { CustomProperties } from './custom-properties.ts'
import { shown } from './document-node.ts'

/** How often a product's tables are tended without anybody asking. */
export const MAINTENANCE_SCHEDULES = ['daily', 'hourly', 'never'] as const

export type MaintenanceSchedule = (typeof MAINTENANCE_SCHEDULES)[number]

/** What the contract says of the upkeep of its tables. */
export interface MaintenanceTerms {
  readonly schedule: MaintenanceSchedule
  /** MiB that data files should have. */
  readonly targetFileSizeMb: number
  /** How many snapshots a table keeps at least; absent: as the table's own properties say. */
  readonly keepSnapshots?: number
  /** For how many hours a snapshot is kept after it was current; absent: as the table's own properties say. */
  readonly keepSnapshotsHours?: number
}

/** The terms as stated, else the list's defaults. Notes what is wrong. */
export function maintenanceOf(custom: CustomProperties): MaintenanceTerms {
  const text = custom.text('weir.maintenance')
  const schedule = MAINTENANCE_SCHEDULES.find((one) => one === text)
  if (schedule === undefined) {
    custom
      .node('weir.maintenance')
      .problem(
        `weir.maintenance is ${MAINTENANCE_SCHEDULES.join(', ')}, not ${shown(text ?? null)}`,
      )
  }
  const keepSnapshots = custom.integer('weir.keepSnapshots')
  const keepSnapshotsHours = custom.integer('weir.keepSnapshotsHours')
  return {
    schedule: schedule ?? 'daily',
    targetFileSizeMb: custom.integer('weir.targetFileSizeMb') ?? 32,
    ...(keepSnapshots === undefined ? {} : { keepSnapshots }),
    ...(keepSnapshotsHours === undefined ? {} : { keepSnapshotsHours }),
  }
}
