import type { PlantedBug } from '../plant.ts'
import { archiveBugs } from './archive.ts'
import { dedupBugs } from './dedup.ts'
import { lakeBugs } from './lake.ts'
import { storeBugs } from './stores.ts'
import { windowBugs } from './windows.ts'

/** Every defect that the simulation has to find. */
export const plantedBugs: readonly PlantedBug[] = [
  ...archiveBugs,
  ...dedupBugs,
  ...lakeBugs,
  ...windowBugs,
  ...storeBugs,
]
