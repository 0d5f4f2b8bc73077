import type { Register } from './program.ts'
import { registerCompare } from './replay-compare.ts'
import { registerDrop, registerList, registerSwitch } from './replay-generations.ts'
import { registerStart } from './replay-start.ts'

export const registerReplay: Register = (program, run) => {
  const group = program
    .command('replay')
    .summary('compute features anew beside the old ones, compare, switch over')
    .description(
      'Computes a product’s features anew into a second generation, compares it with the live one, and lets readers change over in one step, and back.',
    )
  group.helpCommand(false)
  registerStart(group, run)
  registerCompare(group, run)
  registerSwitch(group, run)
  registerList(group, run)
  registerDrop(group, run)
}
