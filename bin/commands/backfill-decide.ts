import type { Command } from 'commander'
import { decideOn } from '#lib/domain/backfill/approve.ts'
import { rollBackBackfill } from '#lib/domain/backfill/roll-back.ts'
import { stopBackfill } from '#lib/domain/backfill/stop.ts'
import { decisionOf, saysWho, storesOfBackfill, type WhoOptions } from './backfill-stores.ts'
import type { Run } from './program.ts'
import { counted } from './terminal.ts'

interface DecideOptions extends WhoOptions {
  readonly region: string
}

function ofBackfill(group: Command, name: string, why: string): Command {
  const command = group
    .command(name)
    .argument('<backfill>', 'its id, as `backfill start` and `history` tell it')
    .requiredOption('--region <region>', 'the cell')
  return saysWho(command, why)
}

function example(text: string, json: string): string {
  return ['', 'Example:', `  npm run weir -- backfill ${text}`, '', `With --json: ${json}.`].join(
    '\n',
  )
}

const ID = 'zone-fares-20190101-20190301-1b2c3d4e'

export function registerApprove(group: Command, run: Run): void {
  ofBackfill(group, 'approve', 'why, for the record')
    .summary('let a backfill run that costs more than the contract’s threshold, or refuse it')
    .description(
      'Approves a backfill that waits for a person, or refuses it with --refuse. Who decided and why is kept with it.',
    )
    .option('--refuse', 'do not run it')
    .addHelpText(
      'after',
      example(
        `approve ${ID} --region us-east-1 --reason "agreed with pricing"`,
        '{id, state, decision, by, reason}',
      ),
    )
    .action((id: string, options: DecideOptions & { refuse?: boolean }, command: Command) =>
      run(command, async (context) => {
        const stores = await storesOfBackfill(context, id, options.region)
        const decision = options.refuse === true ? 'refused' : 'approved'
        const { state, approval } = await decideOn(
          { store: stores.store, wake: (token) => stores.machine.wake(token) },
          id,
          { ...decisionOf(options), decision },
        )
        const { by, reason } = approval!
        context.terminal.document({ id, state, decision, by, reason })
        context.terminal.line(`backfill ${id} is ${decision} by ${by}: ${reason}`)
      }),
    )
}

export function registerStop(group: Command, run: Run): void {
  ofBackfill(group, 'stop', 'why it is not to go on')
    .summary('end a backfill before it is published; it can go on later')
    .description(
      'Ends a backfill at its next step; nothing of it is published. What its chunks have computed is kept: `backfill start` with the same request goes on from there.',
    )
    .addHelpText(
      'after',
      example(`stop ${ID} --region us-east-1 --reason "too slow"`, '{id, state, by, reason}'),
    )
    .action((id: string, options: DecideOptions, command: Command) =>
      run(command, async (context) => {
        const stores = await storesOfBackfill(context, id, options.region)
        const { state, stop, taskToken } = await stopBackfill(stores, id, decisionOf(options))
        if (state === 'waiting' && taskToken !== undefined) await stores.machine.wake(taskToken)
        const { by, reason } = stop!
        context.terminal.document({ id, state, by, reason })
        context.terminal.line(`backfill ${id} ends at its next step: ${by}: ${reason}`)
      }),
    )
}

export function registerRollBack(group: Command, run: Run): void {
  ofBackfill(group, 'rollback', 'why it is taken back')
    .summary('put the windows back that a published backfill has replaced')
    .description(
      'Takes a published backfill back in one step: its range has the rows again that it had before. Rows that live data has changed since stay as they are.',
    )
    .addHelpText(
      'after',
      example(
        `rollback ${ID} --region us-east-1 --reason "wrong zones"`,
        '{id, state, snapshot, keptRows, by, reason}',
      ),
    )
    .action((id: string, options: DecideOptions, command: Command) =>
      run(command, async (context) => {
        const stores = await storesOfBackfill(context, id, options.region)
        const { state, rollback } = await rollBackBackfill(stores, id, decisionOf(options))
        const { snapshot, keptRows, by, reason } = rollback!
        context.terminal.document({ id, state, snapshot, keptRows, by, reason })
        context.terminal.line(
          `backfill ${id} is taken back as snapshot ${snapshot}; ${counted(keptRows, 'row')} changed by live data since stayed`,
        )
      }),
    )
}
