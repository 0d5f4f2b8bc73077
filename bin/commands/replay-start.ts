import type { Command } from 'commander'
import { isoOf } from '#lib/domain/kernel/time.ts'
import { type ReplayReport, replay } from '#lib/domain/process/generations/replay.ts'
import { instantMs } from './arguments.ts'
import type { CommandContext } from './context.ts'
import { CommandError } from './failure.ts'
import { generationStores } from './generation-stores.ts'
import { FunctionFailure, invokeFunction } from './invoke.ts'
import type { Run } from './program.ts'
import { counted, grouped } from './terminal.ts'

export interface ReplayOptions {
  readonly region: string
  readonly into: string
  /** Event time, milliseconds since the epoch. */
  readonly from?: number
  readonly to?: number
}

export interface ReplayResult {
  readonly generation: string
  readonly from: string | null
  readonly to: string
  readonly events: number
  readonly slotsWritten: number
  readonly late: number
  readonly finalRows: number
  readonly seconds: number
  readonly eventsPerSecond: number
}

/** Computes a product's views anew into another generation, up to the journal's head. */
export async function replayProduct(
  context: CommandContext,
  product: string,
  { region, into, from, to }: ReplayOptions,
): Promise<ReplayResult> {
  const stores = await generationStores(context, region, product)
  const bar = context.terminal.progress(`replaying ${product} into ${into}`, 0, 'events')
  try {
    const report = await replay(stores, {
      into,
      ...(from === undefined ? {} : { from: from * 1_000 }),
      ...(to === undefined ? {} : { to: to * 1_000 }),
      onProgress: (events, total) => bar.update(events, total),
      isStopped: () => context.signal.aborted,
    })
    await ring(context, region, stores.deployed.functions.updateWindows)
    return resultOf(report)
  } finally {
    bar.stop()
  }
}

/** So that the deployed functions take note of the generation now, not with the next sweep. */
async function ring(context: CommandContext, region: string, name: string): Promise<void> {
  try {
    await invokeFunction(context, region, name, { bell: 'sweep' })
  } catch (error) {
    if (!(error instanceof FunctionFailure)) throw error
    // It fails with each sweep, then, and rings its own alarm; the replay is done all the same.
    context.terminal.remark(`the replay is complete; meanwhile ${error.message}`)
  }
}

function resultOf(report: ReplayReport): ReplayResult {
  const { generation, from, to, events, slotsWritten, late, finalRows, elapsedMs } = report
  const seconds = elapsedMs / 1_000
  return {
    generation,
    from: from === null ? null : isoOf(from),
    to: isoOf(to),
    events,
    slotsWritten,
    late,
    finalRows,
    seconds,
    eventsPerSecond: seconds === 0 ? 0 : Math.round(events / seconds),
  }
}

/** Adds what `replay` does without another word. */
export function registerStart(group: Command, run: Run): void {
  group
    .command('start', { isDefault: true })
    .summary('compute a product’s views anew into a generation (what `replay` alone does)')
    .description(
      [
        'Computes the views, as they are in this project now, from all that the archive has decided, into tables and slots',
        'of their own. Runs the code that the stream runs, at full speed, until it has reached the stream; from then on the',
        'deployed functions feed the generation like the live one. Readers notice nothing until `replay switch`. Repeating',
        'it, also after it was broken off, goes on where it was.',
      ].join(' '),
    )
    .argument('<product>', 'the data product, such as trips')
    .requiredOption('--region <region>', 'the cell to replay in')
    .requiredOption(
      '--into <generation>',
      'letters and digits, such as v2; v1 is what there is without a replay',
    )
    .option(
      '--from <time>',
      'event time: only windows that start at or after it (default: all)',
      instantMs,
    )
    .option(
      '--to <time>',
      'event time: windows that end by then are compared, later ones follow the stream (default: now)',
      instantMs,
    )
    .addHelpText(
      'after',
      [
        '',
        'Examples:',
        '  npm run weir -- replay trips --region us-east-1 --into v2',
        '  npm run weir -- replay trips --region us-east-1 --into v2 --from 2019-01-01 --to 2019-02-01',
        '',
        'With --json: {generation, from, to, events, slotsWritten, late, finalRows, seconds, eventsPerSecond}.',
      ].join('\n'),
    )
    .action((product: string, options: ReplayOptions, command: Command) =>
      run(command, async (context) => {
        if (options.from !== undefined && options.to !== undefined && options.from >= options.to) {
          throw new CommandError('replay.range', '--to must lie after --from', { exitCode: 2 })
        }
        const result = await replayProduct(context, product, options)
        const { terminal } = context
        terminal.document(result)
        const { generation, events, slotsWritten, late, finalRows, seconds } = result
        terminal.line(
          events === 0
            ? `${generation} of ${product} in ${options.region} had nothing left to replay, and goes on with the stream`
            : `${counted(events, 'event')} of ${product} in ${options.region} replayed into ${generation} in ${seconds.toFixed(1)} s ` +
                `(${grouped(result.eventsPerSecond)} events/s): ${counted(slotsWritten, 'slot')} written, ${counted(finalRows, 'final row')}, ${grouped(late)} too late`,
        )
        terminal.line(
          `next: npm run weir -- replay compare ${product} ${generation} --region ${options.region}`,
        )
      }),
    )
}
