import type { Command } from 'commander'
import { stopLocalCloud } from '#local/local-cloud.ts'
import type { CommandContext } from './context.ts'
import { deployingAlone } from './deploy.ts'
import { CommandError } from './failure.ts'
import type { Register } from './program.ts'

/** Ends the local cloud that `up` started, with everything in it. */
export async function down(context: CommandContext): Promise<{ readonly stopped: boolean }> {
  if (context.target.kind === 'aws') {
    throw new CommandError(
      'down.aws',
      'down ends the local cloud only: remove cells from AWS with `npx cdk destroy`, once their data may go',
      { exitCode: 2 },
    )
  }
  const place = { port: context.target.port, stateDir: context.stateDir }
  return deployingAlone(context, 'down', () => stopLocalCloud(place))
}

export const registerDown: Register = (program, run) => {
  program
    .command('down')
    .summary('end the local cloud that up started')
    .description('Ends the local cloud that `up` started from this project, with all data in it.')
    .addHelpText(
      'after',
      '\nExamples:\n  npm run weir -- down\n  WEIR_PORT=4600 npm run weir -- down',
    )
    .action((_options: unknown, command: Command) =>
      run(command, async (context) => {
        const result = await down(context)
        context.terminal.document(result)
        const { port } = context.target
        context.terminal.line(
          result.stopped
            ? `the local cloud on port ${port} is stopped`
            : `nothing to stop: no local cloud of this project runs on port ${port}`,
        )
      }),
    )
}
