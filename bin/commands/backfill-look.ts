import type { Command } from 'commander'
import { requireBackfill } from '#lib/domain/backfill/backfill-store.ts'
import { costOf } from '#lib/domain/backfill/plan.ts'
import { backfillStores, storesOfBackfill } from './backfill-stores.ts'
import { progressOf, statusLines, statusOf, usdText } from './backfill-text.ts'
import { productOfView } from './feature-arguments.ts'
import type { Run } from './program.ts'
import { table } from './terminal.ts'

export function registerStatus(group: Command, run: Run): void {
  group
    .command('status')
    .summary('how far a backfill is, what it has cost, what its check says')
    .description(
      'Tells where a backfill stands: chunks, cost, differences to what is published, who decided what.',
    )
    .argument('<backfill>', 'its id, as `backfill start` and `history` tell it')
    .requiredOption('--region <region>', 'the cell')
    .addHelpText(
      'after',
      [
        '',
        'Example:',
        '  npm run weir -- backfill status zone-fares-20190101-20190301-1b2c3d4e --region us-east-1',
        '',
        'With --json: {id, state, view, version, from, to, requestedBy, reason, requestedAt, attempt, chunksDone, chunks,',
        'round, estimatedUsd, budgetUsd, spentUsd, spent, approval, check, accepted, publication, stop, failure, rollback}.',
      ].join('\n'),
    )
    .action((id: string, options: { region: string }, command: Command) =>
      run(command, async (context) => {
        const { store } = await storesOfBackfill(context, id, options.region)
        const backfill = await requireBackfill(store, id)
        const spent = await store.spent(id)
        const status = statusOf(
          { ...backfill, spent, spentUsd: costOf(spent) },
          await progressOf(store, backfill),
        )
        context.terminal.document(status)
        for (const line of statusLines(status)) context.terminal.line(line)
      }),
    )
}

export function registerHistory(group: Command, run: Run): void {
  group
    .command('history')
    .summary('every backfill of a view: who, why, what, and what became of it')
    .description('Lists the backfills of a view, newest first, with who asked for them and why.')
    .argument('<view>', 'the feature view, such as zone-fares')
    .requiredOption('--region <region>', 'the cell')
    .addHelpText(
      'after',
      [
        '',
        'Example:',
        '  npm run weir -- backfill history zone-fares --region us-east-1',
        '',
        'With --json: {view, backfills: […]}, each as `backfill status` tells it; chunksDone is null.',
      ].join('\n'),
    )
    .action((view: string, options: { region: string }, command: Command) =>
      run(command, async (context) => {
        const { name } = await productOfView(context.root, view)
        const { store } = await backfillStores(context, name, options.region)
        const backfills = (await store.list())
          .filter(({ request }) => request.view === view)
          .toSorted((a, b) => b.requested.atMs - a.requested.atMs)
          .map((one) => statusOf(one, null))
        context.terminal.document({ view, backfills })
        const rows = backfills.map((one) => [
          one.id,
          one.state,
          one.from,
          one.to,
          one.spentUsd === null ? '' : usdText(one.spentUsd),
          one.requestedBy,
          one.reason,
        ])
        context.terminal.line(table(['backfill', 'state', 'from', 'to', 'cost', 'by', 'why'], rows))
      }),
    )
}
