import type { Command } from 'commander'
import type { Backfill } from '#lib/domain/backfill/backfill.ts'
import { changeBackfill } from '#lib/domain/backfill/backfill-store.ts'
import { planOf } from '#lib/domain/backfill/extents.ts'
import { type BackfillPlan, PARALLEL_CHUNKS } from '#lib/domain/backfill/plan.ts'
import {
  backfillId,
  requestOf,
  type Started,
  type StartOptions,
  startBackfill,
} from '#lib/domain/backfill/request.ts'
import { dateText, dollars, refuseBlank } from './arguments.ts'
import {
  type BackfillStores,
  backfillStores,
  decisionOf,
  saysWho,
  type WhoOptions,
} from './backfill-stores.ts'
import { planLines, usdText } from './backfill-text.ts'
import type { CommandContext } from './context.ts'
import { productOfView } from './feature-arguments.ts'
import type { Run } from './program.ts'

interface RangeOptions {
  readonly region: string
  readonly from: string
  readonly to: string
  readonly label?: string
}

interface Planned {
  readonly stores: BackfillStores
  readonly request: Backfill['request']
  readonly plan: BackfillPlan
}

async function planned(
  context: CommandContext,
  view: string,
  { region, from, to, label }: RangeOptions,
): Promise<Planned> {
  const { name } = await productOfView(context.root, view)
  const stores = await backfillStores(context, name, region)
  const midnight = (date: string) => Date.parse(`${date}T00:00:00Z`) * 1_000
  const request = requestOf(stores, {
    view,
    from: midnight(from),
    to: midnight(to),
    ...(label === undefined ? {} : { label }),
  })
  const { backfillApprovalCents } = stores.contracts.current
  const plan = await planOf(stores, request, {
    parallel: PARALLEL_CHUNKS,
    approveAboveUsd: backfillApprovalCents / 100,
  })
  return { stores, request, plan }
}

function ofRange(command: Command): Command {
  return command
    .argument('<view>', 'the feature view, such as zone-fares')
    .requiredOption('--region <region>', 'the cell')
    .requiredOption('--from <date>', 'windows that start on this day (UTC) or later', dateText)
    .requiredOption('--to <date>', 'windows that start before this day', dateText)
    .option('--label <text>', 'tells it from another backfill of the same range', refuseBlank)
}

export function registerPlan(group: Command, run: Run): void {
  ofRange(group.command('plan'))
    .summary('what a backfill would read, take and cost')
    .description(
      'Plans a backfill from the tables’ metadata: chunks, rows, bytes, calls, time and cost, each with a low and a high end. Starts nothing.',
    )
    .addHelpText(
      'after',
      [
        '',
        'Example:',
        '  npm run weir -- backfill plan zone-fares --region us-east-1 --from 2019-01-01 --to 2019-03-01',
        '',
        'With --json: {id, plan: {days, chunks, chunkDays, parallel, sourceRows, sourceFiles, sourceBytes, presentRows, units,',
        'usd: {low, likely, high}, seconds: {low, likely, high}, approveAboveUsd, needsApproval}}.',
      ].join('\n'),
    )
    .action((view: string, options: RangeOptions, command: Command) =>
      run(command, async (context) => {
        const { request, plan } = await planned(context, view, options)
        context.terminal.document({ id: backfillId(request), plan })
        for (const line of planLines(plan)) context.terminal.line(line)
      }),
    )
}

interface StartCommandOptions extends RangeOptions, WhoOptions {
  readonly budget?: number
  readonly accept?: string
}

/** Starts a backfill, or has it go on, and sees to it that its run is there. */
export async function startRun(
  { stores, request, plan }: Planned,
  options: WhoOptions,
  start: StartOptions,
): Promise<Started> {
  const decision = decisionOf(options)
  const started = await startBackfill(stores, request, plan, decision, start)
  const { backfill, execution } = started
  if (execution === undefined) return started
  const status = await stores.machine.status(execution)
  if (status === undefined) {
    await stores.machine.start(execution, { backfill: backfill.id })
    return started
  }
  if (status === 'RUNNING' || status === 'PENDING_REDRIVE') return started
  // Its run was ended from outside, and could not write that down.
  await changeBackfill(stores.store, backfill.id, (now) =>
    now.attempt === backfill.attempt && now.state === backfill.state
      ? {
          ...now,
          state: 'failed',
          failure: { code: 'backfill.runEnded', message: `its run is ${status}`, atMs: Date.now() },
        }
      : now,
  )
  const again = await startBackfill(stores, request, plan, decision, start)
  if (again.execution !== undefined) {
    await stores.machine.start(again.execution, { backfill: backfill.id })
  }
  return again
}

export function registerStart(group: Command, run: Run): void {
  saysWho(ofRange(group.command('start')), 'why the range is computed anew')
    .summary('compute the windows of some days anew, check and publish them')
    .description(
      'Computes a view’s windows anew from all rows of the table, also those that came too late for the stream, and publishes them in one step once they are checked. Live data goes on meanwhile. The same request is the same backfill: repeating it goes on where it was stopped or has failed.',
    )
    .option(
      '--budget <dollars>',
      'stop once it has cost so much (default: the plan’s high end)',
      dollars,
    )
    .option(
      '--accept <text>',
      'publish what the check finds wrong all the same, and why',
      refuseBlank,
    )
    .addHelpText(
      'after',
      [
        '',
        'Example:',
        '  npm run weir -- backfill start zone-fares --region us-east-1 --from 2019-01-01 --to 2019-03-01 \\',
        '    --reason "fares of cancelled trips counted"',
        '',
        'With --json: {id, state, isNew, attempt, needsApproval, plan}.',
      ].join('\n'),
    )
    .action((view: string, options: StartCommandOptions, command: Command) =>
      run(command, async (context) => {
        const one = await planned(context, view, options)
        const { budget, accept } = options
        const { backfill, isNew } = await startRun(one, options, {
          ...(budget === undefined ? {} : { budgetUsd: budget }),
          ...(accept === undefined ? {} : { accept }),
        })
        const { id, state, attempt, plan } = backfill
        const needsApproval = plan!.needsApproval && backfill.approval === undefined
        context.terminal.document({ id, state, isNew, attempt, needsApproval, plan })
        const how = isNew ? (attempt === 1 ? 'started' : 'goes on') : `is ${state}`
        context.terminal.line(
          `backfill ${id} ${how}: ${plan!.chunks} chunks, about ${usdText(plan!.usd.likely)}`,
        )
        const region = `--region ${options.region}`
        context.terminal.line(
          needsApproval
            ? `it waits for a person: npm run weir -- backfill approve ${id} ${region} --reason "…"`
            : `next: npm run weir -- backfill status ${id} ${region}`,
        )
      }),
    )
}
