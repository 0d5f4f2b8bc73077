import { registerDown } from './down.ts'
import type { Register } from './program.ts'
import { registerQuery } from './query.ts'
import { registerSend } from './send.ts'
import { registerUp } from './up.ts'
import { registerWait } from './wait.ts'

/** Every command, in the order in which help lists them. */
export const COMMANDS: readonly Register[] = [
  registerUp,
  registerDown,
  registerSend,
  registerWait,
  registerQuery,
]
