import { KinesisClient } from '@aws-sdk/client-kinesis'
import type { Command } from 'commander'
import pc from 'picocolors'
import { KinesisShardLineage } from '#lib/adapters/kinesis/shard-lineage.ts'
import { type RebuiltJournal, rebuildJournal } from '#lib/domain/ops/raw/rebuild-journal.ts'
import { type RawVerification, verifyRaw } from '#lib/domain/ops/raw/verify-raw.ts'
import { dateText } from './arguments.ts'
import { type CommandContext, productNamed } from './context.ts'
import { CommandError } from './failure.ts'
import { identifyOf, streamArnOf } from './generation-stores.ts'
import type { Register, Run } from './program.ts'
import { productStores } from './stores.ts'
import { counted, grouped, table } from './terminal.ts'

export interface RawVerifyOptions {
  readonly region: string
  readonly from?: string
  readonly to?: string
}

/** Proves from raw that nothing is missing in it. */
export async function verifyProduct(
  context: CommandContext,
  product: string,
  { region, from, to }: RawVerifyOptions,
): Promise<RawVerification> {
  const { contract } = await productNamed(context, product)
  const stores = await productStores(context, region, product)
  const bar = context.terminal.progress(`reading raw of ${product} in ${region}`, 0, 'objects')
  try {
    return await verifyRaw(
      { ...stores, retention: contract.retention, nowMs: Date.now() },
      {
        ...(from === undefined ? {} : { from }),
        ...(to === undefined ? {} : { to }),
        onProgress: (read, total) => bar.update(read, total),
      },
    )
  } finally {
    bar.stop()
  }
}

/** Makes what a product's journal has lost once more from raw. */
export async function rebuildProduct(
  context: CommandContext,
  product: string,
  { region, dryRun = false }: { readonly region: string; readonly dryRun?: boolean },
): Promise<RebuiltJournal> {
  const { contract } = await productNamed(context, product)
  const stores = await productStores(context, region, product)
  const config = context.target.clientConfig(region)
  const client = new KinesisClient(config)
  const streamArn = await streamArnOf(client, stores.deployed.streamName)
  const identify = await identifyOf(config, stores.deployed.functions.archiveEvents)
  const bar = context.terminal.progress(`reading raw of ${product} in ${region}`, 0, 'objects')
  try {
    return await rebuildJournal(
      {
        ...stores,
        lineage: new KinesisShardLineage({ client, streamArn }),
        identify,
        retention: contract.retention,
        nowMs: Date.now(),
      },
      { dryRun, onProgress: (read, total) => bar.update(read, total) },
    )
  } finally {
    bar.stop()
  }
}

/** One line of what is missing first. */
export function gapLine({ firstGap, shards }: RawVerification): string {
  const { shard, after, before, reason } = firstGap!
  const others = shards.reduce((sum, one) => sum + one.gaps.length, 0) - 1
  const range = before === undefined ? `after ${after}` : `after ${after} up to ${before}`
  const more = others === 0 ? '' : ` (and ${others} more: see --json)`
  return `raw is not whole: shard ${shard} ${range}: ${reason}${more}`
}

export const registerRaw: Register = (program, run) => {
  const group = program
    .command('raw')
    .summary('prove that raw is whole; make a lost journal from it')
    .description(
      'Works on raw, the record of all that was received, from which everything else can be made again.',
    )
  group.helpCommand(false)
  registerVerify(group, run)
  registerRebuild(group, run)
}

function registerVerify(group: Command, run: Run): void {
  group
    .command('verify')
    .summary('read all of raw and prove that nothing is missing in it')
    .description(
      [
        'Reads every raw object of a product along the chain in which each names the one before it, and holds the journal',
        'against it. Fails with the first gap: shard, and the range of sequence numbers that nobody has.',
      ].join(' '),
    )
    .argument('<product>', 'the data product, such as trips')
    .requiredOption('--region <region>', 'the cell to look at')
    .option('--from <date>', 'only objects of this date and later (default: all)', dateText)
    .option('--to <date>', 'only objects up to this date', dateText)
    .addHelpText(
      'after',
      [
        '',
        'Examples:',
        '  npm run weir -- raw verify trips --region us-east-1',
        '  npm run weir -- raw verify trips --region us-east-1 --from 2026-01-30 --to 2026-01-31',
        '',
        'With --json: {complete, objects, events, firstGap: {shard, after, before, reason}, shards: [{shard, objects, events,',
        'after, upTo, withoutEntry, gaps}]}. Exit 1 if raw is not whole.',
      ].join('\n'),
    )
    .action((product: string, options: RawVerifyOptions, command: Command) =>
      run(command, async (context) => {
        const result = await verifyProduct(context, product, options)
        const { terminal } = context
        terminal.line(verificationTable(result))
        const without = result.shards.reduce((sum, one) => sum + one.withoutEntry, 0)
        if (without > 0) {
          terminal.line(
            `${counted(without, 'object')} without an entry in the journal: if they stay so, npm run weir -- raw rebuild-journal ${product} --region ${options.region}`,
          )
        }
        if (!result.complete) {
          throw new CommandError('raw.incomplete', gapLine(result), { document: result })
        }
        terminal.document(result)
        terminal.line(pc.green('whole'))
      }),
    )
}

function verificationTable({ shards }: RawVerification): string {
  return table(
    ['shard', 'objects', 'events', 'after', 'up to', 'gaps'],
    shards.map(({ shard, objects, events, after, upTo, gaps }) => [
      shard,
      grouped(objects),
      grouped(events),
      after ?? '',
      upTo ?? '',
      grouped(gaps.length),
    ]),
    { right: [1, 2, 5] },
  )
}

function registerRebuild(group: Command, run: Run): void {
  group
    .command('rebuild-journal')
    .summary('make the entries that the journal has lost once more from raw')
    .description(
      [
        'Makes missing registrations and entries of the journal again, by the code and the verdicts of the archive; what is',
        'there stays. Repeating it, also after it was broken off, goes on. Stop the stream’s mapping before, if nothing of the',
        'journal is left: the runbook says how.',
      ].join(' '),
    )
    .argument('<product>', 'the data product, such as trips')
    .requiredOption('--region <region>', 'the cell to work on')
    .option('--dry-run', 'find out everything and write nothing')
    .addHelpText(
      'after',
      [
        '',
        'Examples:',
        '  npm run weir -- raw rebuild-journal trips --region us-east-1 --dry-run',
        '  npm run weir -- raw rebuild-journal trips --region us-east-1',
        '',
        'With --json: {dryRun, kept, rebuilt, shards: [{shard, kept, rebuilt, events, by: {same, adopted, written}}],',
        'unlisted}. `same`: what the entry names is there byte for byte; `adopted`: the same verdicts, written by other code;',
        '`written`: no verdicts were left, the batch was judged anew.',
      ].join('\n'),
    )
    .action((product: string, options: { region: string; dryRun?: boolean }, command: Command) =>
      run(command, async (context) => {
        const result = await rebuildProduct(context, product, options)
        const { terminal } = context
        terminal.document(result)
        terminal.line(
          `entries: ${grouped(result.rebuilt)} ${result.dryRun ? 'would be rebuilt' : 'rebuilt'}, ${grouped(result.kept)} kept`,
        )
        for (const { shard, by } of result.shards) {
          terminal.line(
            `  ${shard}: ${by.same} the same, ${by.adopted} adopted, ${by.written} judged anew`,
          )
        }
        if (result.unlisted.length > 0) {
          terminal.remark(
            `whom these shards came from is not known any more: ${result.unlisted.join(', ')}`,
          )
        }
        terminal.line(`next: npm run weir -- reconcile ${product} --region ${options.region}`)
      }),
    )
}
