import { registerApprove, registerRollBack, registerStop } from './backfill-decide.ts'
import { registerHistory, registerStatus } from './backfill-look.ts'
import { registerPlan, registerStart } from './backfill-run.ts'
import type { Register } from './program.ts'

export const registerBackfill: Register = (program, run) => {
  const group = program
    .command('backfill')
    .summary('compute features of past days anew as a governed change')
    .description(
      'Computes a view’s windows of past days anew: planned with a price, approved by a person where it is dear, checked, published in one step, and taken back in one.',
    )
  group.helpCommand(false)
  registerPlan(group, run)
  registerStart(group, run)
  registerApprove(group, run)
  registerStatus(group, run)
  registerStop(group, run)
  registerRollBack(group, run)
  registerHistory(group, run)
}
