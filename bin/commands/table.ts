import type { Register } from './program.ts'
import { registerDeleting } from './table-delete.ts'
import { registerLooking } from './table-look.ts'
import { registerMaintaining } from './table-maintain.ts'
import { registerRefs } from './table-refs.ts'
import { registerRollingBack } from './table-roll-back.ts'

export const registerTable: Register = (program, run) => {
  const parent = program
    .command('table')
    .summary('look at the lake’s tables, change them, tend them, roll one back')
    .description(
      'Looks at the Iceberg tables of a cell, changes and tends them, and rolls one back.',
    )
  parent.helpCommand(false)
  registerLooking(parent, run)
  registerRollingBack(parent, run)
  registerDeleting(parent, run)
  registerRefs(parent, run)
  registerMaintaining(parent, run)
}
