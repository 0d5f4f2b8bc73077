import { registerBackfill } from './backfill.ts'
import { registerContract } from './contract.ts'
import { registerDecide } from './decide.ts'
import { registerDown } from './down.ts'
import { registerFeatures } from './features.ts'
import type { Register } from './program.ts'
import { registerQuarantine } from './quarantine.ts'
import { registerQuery } from './query.ts'
import { registerRaw } from './raw.ts'
import { registerReconcile } from './reconcile.ts'
import { registerReplay } from './replay.ts'
import { registerSend } from './send.ts'
import { registerStatus } from './status.ts'
import { registerTable } from './table.ts'
import { registerUp } from './up.ts'
import { registerWait } from './wait.ts'

/** Every command, in the order in which help lists them. */
export const COMMANDS: readonly Register[] = [
  registerUp,
  registerDown,
  registerStatus,
  registerSend,
  registerWait,
  registerQuery,
  registerFeatures,
  registerDecide,
  registerReconcile,
  registerRaw,
  registerReplay,
  registerBackfill,
  registerQuarantine,
  registerTable,
  registerContract,
]
