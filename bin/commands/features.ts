import { setTimeout as sleep } from 'node:timers/promises'
import type { Command } from 'commander'
import type { Product } from '#lib/domain/contract/product.ts'
import { POINTER_LIFETIME_MS } from '#lib/domain/features/pointer-lifetime.ts'
import type { FeatureValues } from '#lib/domain/features/read-features.ts'
import { parseExact } from '#lib/domain/lake/exact-json.ts'
import type { ViewDefinition } from '#lib/domain/process/view.ts'
import { productIn } from './cells.ts'
import type { CommandContext } from './context.ts'
import { CommandError } from './failure.ts'
import { instant, productOfView } from './feature-arguments.ts'
import { registerPublishing } from './features-publish.ts'
import { registerFeatureSql } from './features-sql.ts'
import { registerTraining } from './features-training.ts'
import { FunctionFailure, invokeFunction } from './invoke.ts'
import type { Register } from './program.ts'
import { table } from './terminal.ts'

export interface FeaturesOptions {
  readonly region: string
  /** A point in time, ISO 8601. @default now */
  readonly at?: string
}

/** The values of some keys of a view, in the order asked for, from the function that serves them. */
export async function getFeatures(
  context: CommandContext,
  viewName: string,
  keys: readonly string[],
  options: FeaturesOptions,
): Promise<readonly FeatureValues[]> {
  const at = options.at === undefined ? {} : { at: instant(options.at) }
  const product = await productOfView(context.root, viewName)
  const view = product.views.find((one) => one.name === viewName)!
  for (const key of keys) requireKey(product, view, key)
  const deployed = await productIn(context, options.region, product.name)
  const ask = async (key: string): Promise<FeatureValues> => {
    try {
      const { getFeatures: name } = deployed.functions
      const payload = { view: viewName, key, ...at }
      const text = await invokeFunction(context, options.region, name, payload)
      // Decimals have more digits than a number holds: they pass through as they are.
      return parseExact(text) as FeatureValues
    } catch (error) {
      if (!(error instanceof FunctionFailure)) throw error
      throw new CommandError('features.failed', error.message, { cause: error })
    }
  }
  for (let attempt = 1; ; attempt++) {
    const results: FeatureValues[] = []
    for (const key of keys) results.push(await ask(key))
    // Somebody switches generations at this very moment: values of two of them do not belong side by side.
    const isOfOne = new Set(results.map(({ generation }) => generation)).size <= 1
    if (isOfOne || attempt >= MOST_ATTEMPTS) return results
    await sleep(POINTER_LIFETIME_MS / 2, undefined, { signal: context.signal })
  }
}

/** Every instance that answers has changed over by then. */
const MOST_ATTEMPTS = 4

/** A key that the field cannot hold has no history for sure: more likely it was meant to be another one. */
function requireKey(product: Product, view: ViewDefinition, key: string): void {
  const type = product.contract.fields.find((field) => field.name === view.key)?.type
  if (type?.kind !== 'int' && type?.kind !== 'long') return
  // As slots are named: 7, not 07 or +7.
  if (/^(0|-?[1-9]\d*)$/.test(key)) return
  throw new CommandError(
    'features.key',
    `"${key}" is no key of ${view.name}: ${view.key} is a whole number, such as 236`,
    { exitCode: 2 },
  )
}

export const registerFeatures: Register = (program, run) => {
  const features = program
    .command('features')
    .summary('read features, publish them, and see their definitions')
    .description('Reads features, publishes them, and shows what they are.')
  features.helpCommand(false)
  features
    .command('get')
    .summary('the values of a view for one key or several')
    .description(
      'Asks a view for its newest window that starts at or before a point in time: the values, when they were computed, and whether they are stale.',
    )
    .argument('<view>', 'the feature view, such as zone-fares')
    .argument('<key...>', 'one key or several')
    .requiredOption('--region <region>', 'the cell to ask')
    .option('--at <time>', 'the point in time, UTC unless it says otherwise (default: now)')
    .addHelpText(
      'after',
      [
        '',
        'Examples:',
        '  npm run weir -- features get zone-fares 236 --region us-east-1 --at 2019-01-15T18:00:00Z',
        '  npm run weir -- features get zone-fares 236 237 --region us-east-1',
        '',
        'With --json: {view, key, window, values, computedAt, stale, source, generation}; {results: [...]} for several keys.',
        'Decimals are JSON numbers with all their digits.',
      ].join('\n'),
    )
    .action((view: string, keys: string[], options: FeaturesOptions, command: Command) =>
      run(command, async (context) => {
        const results = await getFeatures(context, view, keys, options)
        context.terminal.document(results.length === 1 ? results[0] : { results })
        context.terminal.line(featuresTable(results))
      }),
    )
  registerFeatureSql(features, run)
  registerPublishing(features, run)
  registerTraining(features, run)
}

/** Features as a table, a line per key. */
export function featuresTable(results: readonly FeatureValues[]): string {
  const names = Object.keys(results[0]?.values ?? {})
  const head = ['key', 'window', ...names, 'computed at', 'stale', 'source']
  const rows = results.map((one) => [
    one.key,
    one.window === null ? 'no history' : `${one.window.start} to ${one.window.end}`,
    ...names.map((name) => valueText(one.values[name])),
    one.computedAt ?? '',
    one.stale ? 'yes' : 'no',
    one.source,
  ])
  return table(head, rows, { right: names.map((_, i) => i + 2) })
}

function valueText(value: unknown): string {
  if (value === null || value === undefined) return ''
  // A list, or a number that kept its own digits.
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}
