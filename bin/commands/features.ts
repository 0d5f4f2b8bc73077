import type { Command } from 'commander'
import { productNames } from '#lib/adapters/files/product-files.ts'
import { readProduct } from '#lib/adapters/files/read-product.ts'
import type { Product } from '#lib/domain/contract/product.ts'
import type { FeatureValues } from '#lib/domain/features/read-features.ts'
import { parseExact } from '#lib/domain/lake/exact-json.ts'
import type { ViewDefinition } from '#lib/domain/process/view.ts'
import { productIn } from './cells.ts'
import type { CommandContext } from './context.ts'
import { CommandError } from './failure.ts'
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
  const results: FeatureValues[] = []
  for (const key of keys) {
    try {
      const payload = { view: viewName, key, ...at }
      const text = await invokeFunction(
        context,
        options.region,
        deployed.functions.getFeatures,
        payload,
      )
      // Decimals have more digits than a number holds: they pass through as they are.
      results.push(parseExact(text) as FeatureValues)
    } catch (error) {
      if (!(error instanceof FunctionFailure)) throw error
      throw new CommandError('features.failed', error.message, { cause: error })
    }
  }
  return results
}

/** Looks at the products one by one: what is wrong with another one does not matter here. */
async function productOfView(root: string, view: string): Promise<Product> {
  const names = await productNames(root)
  const readings = await Promise.all(names.map((name) => readProduct(root, name)))
  const products = readings.flatMap((reading) => (reading.ok ? [reading.product] : []))
  const product = products.find((one) => one.views.some(({ name }) => name === view))
  if (product !== undefined) return product
  const known = products.flatMap((one) => one.views.map(({ name }) => name)).join(', ') || 'none'
  const unread = names.filter((_, at) => readings[at]?.ok === false)
  const besides =
    unread.length === 0
      ? ''
      : `; ${unread.join(', ')} cannot be read: run \`npm run weir -- contract check\``
  throw new CommandError('view.unknown', `unknown view "${view}": known are ${known}${besides}`)
}

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

/** Any ISO 8601 time as UTC; without an offset it is UTC already. */
function instant(text: string): string {
  const isIso = /^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?$/i.test(
    text,
  )
  const hasOffset = /(Z|[+-]\d{2}:?\d{2})$/i.test(text.slice(10))
  const time = new Date(text.length === 10 || hasOffset ? text : `${text.replace(' ', 'T')}Z`)
  if (isIso && !Number.isNaN(time.getTime())) return time.toISOString()
  throw new CommandError('features.time', `--at "${text}" is no time: write 2019-01-31T18:00:00Z`, {
    exitCode: 2,
  })
}

export const registerFeatures: Register = (program, run) => {
  const features = program
    .command('features')
    .summary('read features')
    .description('Reads features.')
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
        'With --json: {view, key, window, values, computedAt, stale, source}; {results: [...]} for several keys.',
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
