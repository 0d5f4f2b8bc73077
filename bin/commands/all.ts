import { registerDown } from './down.ts'
import type { Register } from './program.ts'
import { registerSend } from './send.ts'
import { registerUp } from './up.ts'

/** Every command, in the order in which help lists them. */
export const COMMANDS: readonly Register[] = [registerUp, registerDown, registerSend]
