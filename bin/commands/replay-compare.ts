import type { Command } from 'commander'
import pc from 'picocolors'
import {
  type Comparison,
  compareGenerations,
  type Tally,
  type ViewComparison,
} from '#lib/domain/process/generations/compare.ts'
import type { Generations } from '#lib/domain/process/generations/generations.ts'
import { FIRST_GENERATION } from '#lib/domain/process/view.ts'
import { wholeNumber } from './arguments.ts'
import type { CommandContext } from './context.ts'
import { CommandError } from './failure.ts'
import { asDeployed, generationStores } from './generation-stores.ts'
import type { Run } from './program.ts'
import { counted, grouped, table } from './terminal.ts'

export interface CompareOptions {
  readonly region: string
  /** @default the live one, or of the live one the one before */
  readonly with?: string
  /** Differences to list. @default 20 */
  readonly limit?: number
}

/** Holds a generation against another one. */
export async function compareProduct(
  context: CommandContext,
  product: string,
  name: string,
  options: CompareOptions,
): Promise<Comparison> {
  const stores = await generationStores(context, options.region, product)
  const generations = (await stores.generations.load())?.generations
  const bar = context.terminal.progress('comparing', 0, 'slots')
  try {
    return await compareGenerations(asDeployed(stores, generations), generations, {
      left: options.with ?? otherThan(name, generations),
      right: name,
      ...(options.limit === undefined ? {} : { limit: options.limit }),
      onProgress: (compared) => bar.update(compared, compared),
    })
  } finally {
    bar.stop()
  }
}

function otherThan(name: string, generations: Generations | undefined): string {
  const { live = FIRST_GENERATION, switches = [] } = generations ?? {}
  if (live !== name) return live
  return switches.at(-1)?.from ?? FIRST_GENERATION
}

/** Why it is not proven that the two are equal, one line for each view. */
export function disagreement({ left, right, views }: Comparison): string {
  const lines = views.flatMap((view) => {
    const what = [
      ...partsOf(view.slots, 'slot'),
      ...(view.finalRows === null ? [] : partsOf(view.finalRows, 'final row')),
      ...(view.slots.moving === 0
        ? []
        : [`${counted(view.slots.moving, 'slot')} changed while it was compared: repeat it`]),
    ]
    return what.length === 0 ? [] : [`${view.view}: ${what.join(', ')}`]
  })
  if (lines.length > 0) return [`${right} is not proven equal to ${left}`, ...lines].join('\n')
  return `nothing of ${right} could be compared with ${left}`
}

function partsOf({ different, onlyLeft, onlyRight }: Tally, noun: string): readonly string[] {
  return [
    ...(different === 0 ? [] : [`${counted(different, noun)} differ`]),
    ...(onlyLeft === 0 ? [] : [`${counted(onlyLeft, noun)} missing in the new generation`]),
    ...(onlyRight === 0 ? [] : [`${counted(onlyRight, noun)} only in the new generation`]),
  ]
}

function viewRow(view: ViewComparison): readonly string[] {
  const { slots, finalRows } = view
  const remarks = [
    ...(view.notCompared === null ? [] : [`not compared: ${view.notCompared}`]),
    ...(view.redefined.length === 0
      ? []
      : [`defined anew, not compared: ${view.redefined.join(', ')}`]),
  ]
  return [
    view.view,
    grouped(slots.equal),
    grouped(slots.different + slots.onlyLeft + slots.onlyRight),
    grouped(slots.expired),
    finalRows === null ? '-' : grouped(finalRows.equal),
    finalRows === null
      ? '-'
      : grouped(finalRows.different + finalRows.onlyLeft + finalRows.onlyRight),
    remarks.join('; '),
  ]
}

const HEAD = ['view', 'slots equal', 'differ', 'expired', 'final rows equal', 'differ', '']

/** The comparison as tables: counts, then the differences that are listed. */
export function comparisonTables({ left, right, views, differences }: Comparison): string {
  const counts = table(HEAD, views.map(viewRow), { right: [1, 2, 3, 4, 5] })
  if (differences.length === 0) return counts
  const rows = differences.map(({ view, what, key, window, ...sides }) => [
    view,
    what,
    key,
    window === null ? 'all' : `${window.start} to ${window.end}`,
    sides.left === null ? 'nothing' : JSON.stringify(sides.left),
    sides.right === null ? 'nothing' : JSON.stringify(sides.right),
  ])
  return `${counts}\n\n${table(['view', 'what', 'key', 'window', left, right], rows)}`
}

/** Adds `replay compare`. */
export function registerCompare(group: Command, run: Run): void {
  group
    .command('compare')
    .summary('prove that two generations are equal, or show what differs')
    .description(
      [
        'Holds every slot that features are served from, and every final row of windows that both have closed, against that',
        'of another generation. Windows that lie entirely in the range of the replay are compared, and aggregates that both',
        'define alike. Reads the whole slots table once.',
      ].join(' '),
    )
    .argument('<product>', 'the data product, such as trips')
    .argument('<generation>', 'what was replayed, such as v2')
    .requiredOption('--region <region>', 'the cell to look at')
    .option('--with <generation>', 'against which one (default: the live one)')
    .option('--limit <number>', 'differences to list (default: 20)', wholeNumber)
    .addHelpText(
      'after',
      [
        '',
        'Example:',
        '  npm run weir -- replay compare trips v2 --region us-east-1',
        '',
        'With --json: {left, right, from, to, equal, views: [{view, aggregates, redefined, notCompared, slots: {equal,',
        'different, onlyLeft, onlyRight, expired, moving}, finalRows}], differences: [{view, what, key, window, left, right}]}.',
        'Exit 1 unless everything that was compared is equal.',
      ].join('\n'),
    )
    .action((product: string, name: string, options: CompareOptions, command: Command) =>
      run(command, async (context) => {
        const result = await compareProduct(context, product, name, options)
        context.terminal.line(comparisonTables(result))
        if (!result.equal) {
          throw new CommandError('replay.different', disagreement(result), { document: result })
        }
        context.terminal.document(result)
        const { left, right } = result
        context.terminal.line(pc.green(`${right} is equal to ${left}`))
      }),
    )
}
