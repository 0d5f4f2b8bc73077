import { COMMANDS } from './commands/all.ts'
import { runAsProcess } from './commands/main.ts'

/** The command line: everything it does is in `commands/`. */
await runAsProcess(COMMANDS)
