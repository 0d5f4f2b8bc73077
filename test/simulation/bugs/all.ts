import type { PlantedBug } from '../plant.ts'
import { archiveBugs } from './archive.ts'
import { dedupBugs } from './dedup.ts'
import { finalBugs } from './finals.ts'
import { lakeBugs } from './lake.ts'
import { latenessBugs } from './lateness.ts'
import { maintenanceBugs } from './maintenance.ts'
import { storeBugs } from './stores.ts'
import { windowBugs } from './windows.ts'

/** Every defect that the simulation has to find. */
export const plantedBugs: readonly PlantedBug[] = [
  ...archiveBugs,
  ...dedupBugs,
  ...lakeBugs,
  ...maintenanceBugs,
  ...windowBugs,
  ...latenessBugs,
  ...finalBugs,
  ...storeBugs,
]
