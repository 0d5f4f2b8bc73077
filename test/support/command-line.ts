import { COMMANDS } from '../../bin/commands/all.ts'
import { buildProgram } from '../../bin/commands/program.ts'

/**
 * Why the program does not take a line of a shell such as `npm run -s weir -- status`; undefined if it does. Nothing is run.
 * Lines of other programs are taken to be right.
 */
export async function commandProblem(line: string): Promise<string | undefined> {
  const match = /^npm run (?:-s )?weir -- (.*?)(?:\s+(?:#|>|\|).*)?$/.exec(line.trim())
  if (match === null) return undefined
  const words = [...match[1]!.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)]
  const args = words.map(([, double, single, bare]) => double ?? single ?? bare!)
  let isRun = false
  const quiet = { write: () => true }
  const program = buildProgram(
    COMMANDS,
    async () => {
      isRun = true
    },
    { stdout: quiet, stderr: quiet },
  )
  try {
    await program.parseAsync(args, { from: 'user' })
    return isRun ? undefined : 'it runs no command'
  } catch (error) {
    return (error as Error).message
  }
}
