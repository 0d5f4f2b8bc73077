import { setTimeout as sleep } from 'node:timers/promises'
import type { Command } from 'commander'
import { POINTER_LIFETIME_MS } from '#lib/domain/features/pointer-lifetime.ts'
import { hasCode } from '#lib/domain/kernel/errors.ts'
import { isoOf } from '#lib/domain/kernel/time.ts'
import { type DropReport, dropGeneration } from '#lib/domain/process/generations/drop.ts'
import {
  type Generation,
  type Generations,
  isSameView,
  type Switch,
  scopeOf,
} from '#lib/domain/process/generations/generations.ts'
import { eventsAhead } from '#lib/domain/process/generations/replay.ts'
import { type SwitchReport, switchGeneration } from '#lib/domain/process/generations/switch.ts'
import { FIRST_GENERATION } from '#lib/domain/process/view.ts'
import type { CommandContext } from './context.ts'
import { CommandError } from './failure.ts'
import { asDeployed, type GenerationStores, generationStores } from './generation-stores.ts'
import type { Run } from './program.ts'
import { counted, grouped, table } from './terminal.ts'

const SETTLE_MS = 30_000
const POLL_MS = 1_000

/** Answers readers from another generation. One that is a moment behind is waited for. */
export async function switchProduct(
  context: CommandContext,
  product: string,
  name: string,
  { region, force }: { readonly region: string; readonly force?: string },
): Promise<SwitchReport> {
  const stores = await generationStores(context, region, product)
  const deadline = performance.now() + SETTLE_MS
  for (;;) {
    const generations = (await stores.generations.load())?.generations
    try {
      return await switchGeneration(asDeployed(stores, generations), name, force)
    } catch (error) {
      if (!hasCode(error, 'replay.behind') || performance.now() > deadline) throw error
      context.terminal.remark(`waiting: ${error.message}`)
      await sleep(POLL_MS, undefined, { signal: context.signal })
    }
  }
}

export interface GenerationStatus {
  readonly name: string
  readonly live: boolean
  readonly state: Generation['state']
  readonly views: readonly string[]
  /** Views that are defined otherwise, or not at all, in this project. */
  readonly otherThanProject: readonly string[]
  readonly from: string | null
  readonly to: string | null
  readonly createdAt: string | null
  readonly caughtUpAt: string | null
  /** Admitted events that the journal has and the generation has not; null of one that was dropped. */
  readonly eventsBehind: number | null
}

export interface GenerationList {
  readonly live: string
  readonly generations: readonly GenerationStatus[]
  readonly switches: readonly (Omit<Switch, 'atMs'> & { readonly at: string })[]
}

/** Every generation of a product, and how far it is. */
export async function listGenerations(
  context: CommandContext,
  product: string,
  region: string,
): Promise<GenerationList> {
  const stores = await generationStores(context, region, product)
  const known = (await stores.generations.load())?.generations
  const generations: Generations = known ?? {
    live: FIRST_GENERATION,
    byName: { [FIRST_GENERATION]: { state: 'following', createdAtMs: 0 } },
    switches: [],
  }
  const rows: GenerationStatus[] = []
  for (const name of Object.keys(generations.byName)) {
    rows.push(await statusOf(stores, generations, name))
  }
  const switches = generations.switches.map(({ atMs, ...one }) => {
    return { ...one, at: isoOf(atMs * 1_000) }
  })
  return { live: generations.live, generations: rows, switches }
}

async function statusOf(
  stores: GenerationStores,
  generations: Generations,
  name: string,
): Promise<GenerationStatus> {
  const known = generations.byName[name]!
  const scope = scopeOf(generations, asDeployed(stores, generations), name)
  const other = scope.views.filter((view) => {
    const own = stores.views.find((one) => one.name === view.name)
    return own === undefined || !isSameView(own, view, stores.contracts)
  })
  const timeOf = (ms: number | undefined) => (ms ? isoOf(ms * 1_000) : null)
  return {
    name,
    live: generations.live === name,
    state: known.state,
    views: scope.views.map((view) => view.name),
    otherThanProject: other.map((view) => view.name),
    from: known.from === undefined ? null : isoOf(known.from),
    to: known.to === undefined ? null : isoOf(known.to),
    createdAt: name === FIRST_GENERATION ? null : timeOf(known.createdAtMs),
    caughtUpAt: timeOf(known.caughtUpAtMs),
    eventsBehind:
      known.state === 'dropped' ? null : await eventsAhead(stores, stores.slotsOf(scope), scope),
  }
}

/** The generations as a table. */
export function generationTable({ generations }: GenerationList): string {
  const rows = generations.map((one) => [
    `${one.name}${one.live ? ' (live)' : ''}`,
    one.state,
    one.from ?? 'the beginning',
    one.to ?? '',
    one.eventsBehind === null ? '' : grouped(one.eventsBehind),
    one.views.join(', '),
    one.otherThanProject.length === 0 || one.state === 'dropped'
      ? ''
      : `not as in this project: ${one.otherThanProject.join(', ')}`,
  ])
  const head = ['generation', 'state', 'from', 'compared to', 'events behind', 'views', '']
  return table(head, rows, { right: [4] })
}

/** Removes a generation that is not live. */
export async function dropProduct(
  context: CommandContext,
  product: string,
  name: string,
  region: string,
): Promise<DropReport> {
  const stores = await generationStores(context, region, product)
  const generations = (await stores.generations.load())?.generations
  return dropGeneration(asDeployed(stores, generations), name)
}

/** Adds `replay switch`. */
export function registerSwitch(group: Command, run: Run): void {
  group
    .command('switch')
    .summary('answer readers from another generation')
    .description(
      `Answers features from another generation from now on, in one step; every reader has changed over within ${POINTER_LIFETIME_MS / 1_000} seconds. Both go on with the stream, so the same command takes it back.`,
    )
    .argument('<product>', 'the data product, such as trips')
    .argument('<generation>', 'who shall answer, such as v2; v1 is the first')
    .requiredOption('--region <region>', 'the cell to switch in')
    .option(
      '--force <reason>',
      'also to one that is incomplete or behind; the reason is written down',
    )
    .addHelpText(
      'after',
      [
        '',
        'Examples:',
        '  npm run weir -- replay switch trips v2 --region us-east-1',
        '  npm run weir -- replay switch trips v1 --region us-east-1',
        '',
        'With --json: {from, to, isSwitched, holdsFrom, overridden}; isSwitched is false if it answered already.',
      ].join('\n'),
    )
    .action(
      (
        product: string,
        name: string,
        options: { region: string; force?: string },
        command: Command,
      ) =>
        run(command, async (context) => {
          if (options.force?.trim() === '') {
            throw new CommandError('replay.reason', '--force needs a reason', { exitCode: 2 })
          }
          const result = await switchProduct(context, product, name, options)
          const { terminal } = context
          const holdsFrom = result.holdsFrom === null ? null : isoOf(result.holdsFrom)
          terminal.document({ ...result, holdsFrom })
          if (result.overridden !== null) terminal.line(`overridden: ${result.overridden}`)
          terminal.line(
            result.isSwitched
              ? `${product} in ${options.region} is answered from ${result.to} (before: ${result.from}), everywhere within ${POINTER_LIFETIME_MS / 1_000} s`
              : `${product} in ${options.region} is answered from ${result.to} already`,
          )
          if (holdsFrom !== null) {
            terminal.line(
              `it holds windows that start at ${holdsFrom} or later, and no history before`,
            )
          }
        }),
    )
}

/** Adds `replay list`. */
export function registerList(group: Command, run: Run): void {
  group
    .command('list')
    .alias('status')
    .summary('which generations there are, who answers, how far each is')
    .description(
      'Lists a product’s generations, what they hold, and how far behind the journal they are.',
    )
    .argument('<product>', 'the data product, such as trips')
    .requiredOption('--region <region>', 'the cell to look at')
    .addHelpText(
      'after',
      [
        '',
        'Example:',
        '  npm run weir -- replay list trips --region us-east-1',
        '',
        'With --json: {live, generations: [{name, live, state, views, otherThanProject, from, to, createdAt, caughtUpAt,',
        'eventsBehind}], switches: [{from, to, at, reason}]}.',
      ].join('\n'),
    )
    .action((product: string, options: { region: string }, command: Command) =>
      run(command, async (context) => {
        const result = await listGenerations(context, product, options.region)
        const { terminal } = context
        terminal.document(result)
        terminal.line(generationTable(result))
        const last = result.switches.at(-1)
        if (last === undefined) return
        const why = last.reason === undefined ? '' : `: ${last.reason}`
        terminal.line(`last switched from ${last.from} to ${last.to} at ${last.at}${why}`)
      }),
    )
}

/** Adds `replay drop`. */
export function registerDrop(group: Command, run: Run): void {
  group
    .command('drop')
    .summary('remove a generation that does not answer')
    .description(
      'Removes a generation’s slots, feature tables and late rows; the live one is refused. Its name is not used again. Repeating it removes what a function wrote meanwhile.',
    )
    .argument('<product>', 'the data product, such as trips')
    .argument('<generation>', 'what is not needed any more, such as v2')
    .requiredOption('--region <region>', 'the cell to remove it from')
    .addHelpText(
      'after',
      [
        '',
        'Example:',
        '  npm run weir -- replay drop trips v2 --region us-east-1',
        '',
        'With --json: {generation, items, tables, objects}.',
      ].join('\n'),
    )
    .action((product: string, name: string, options: { region: string }, command: Command) =>
      run(command, async (context) => {
        const result = await dropProduct(context, product, name, options.region)
        const { terminal } = context
        terminal.document(result)
        const { items, tables, objects } = result
        terminal.line(
          `${name} of ${product} in ${options.region} is dropped: ${counted(items, 'item')}, ${counted(tables, 'table')} and ${counted(objects, 'file')} removed`,
        )
      }),
    )
}
