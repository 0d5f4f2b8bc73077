import type { Command } from 'commander'
import { productNames } from '#lib/adapters/files/product-files.ts'
import { readProduct } from '#lib/adapters/files/read-product.ts'
import type { Product } from '#lib/domain/contract/product.ts'
import type { Decision } from '#lib/domain/features/decide/decide.ts'
import type { DecisionDefinition } from '#lib/domain/features/decide/decision.ts'
import type { KeptDecision } from '#lib/domain/features/decide/decision-store.ts'
import { parseExact } from '#lib/domain/lake/exact-json.ts'
import { productIn } from './cells.ts'
import type { CommandContext } from './context.ts'
import { CommandError } from './failure.ts'
import { instant } from './feature-arguments.ts'
import { FunctionFailure, invokeFunction } from './invoke.ts'
import type { Register } from './program.ts'
import { table } from './terminal.ts'

export interface DecideOptions {
  readonly region: string
  /** Names the request: the same one again gets the same answer. */
  readonly id?: string
  /** A point in time, ISO 8601. @default now */
  readonly at?: string
}

export type DecisionAnswer = Decision | KeptDecision

/** Asks a decision for an answer to a request, `zone=236` each. */
export async function askDecision(
  context: CommandContext,
  name: string,
  fields: readonly string[],
  options: DecideOptions,
): Promise<DecisionAnswer> {
  const { product, definition } = await decisionNamed(context.root, name)
  const request = requestOf(definition, fields)
  const { functions } = await productIn(context, options.region, product.name)
  if (functions.decide === undefined) {
    throw new CommandError(
      'decide.notDeployed',
      `${product.name} was deployed without decisions: run \`npm run weir -- up\``,
    )
  }
  const payload = {
    decision: name,
    request,
    ...(options.id === undefined ? {} : { id: options.id }),
    ...(options.at === undefined ? {} : { at: instant(options.at) }),
  }
  try {
    const text = await invokeFunction(context, options.region, functions.decide, payload)
    return parseExact(text) as DecisionAnswer
  } catch (error) {
    if (!(error instanceof FunctionFailure)) throw error
    throw new CommandError('decide.failed', error.message, { cause: error })
  }
}

async function decisionNamed(root: string, name: string) {
  const names = await productNames(root)
  const readings = await Promise.all(names.map((one) => readProduct(root, one)))
  const products = readings.flatMap((reading) => (reading.ok ? [reading.product] : []))
  const all = products.flatMap((product: Product) =>
    product.decisions.map((definition) => ({ product, definition })),
  )
  const found = all.find(({ definition }) => definition.name === name)
  if (found !== undefined) return found
  const known = all.map(({ definition }) => definition.name).join(', ') || 'none'
  throw new CommandError('decide.unknown', `unknown decision "${name}": known are ${known}`)
}

function requestOf({ name, request }: DecisionDefinition, fields: readonly string[]) {
  const given = new Map<string, string>()
  for (const field of fields) {
    const at = field.indexOf('=')
    if (at < 1) {
      throw new CommandError('decide.request', `"${field}": write <field>=<value>`, { exitCode: 2 })
    }
    given.set(field.slice(0, at), field.slice(at + 1))
  }
  const unknown = [...given.keys()].find((one) => request[one] === undefined)
  const missing = Object.keys(request).find((one) => !given.has(one))
  if (unknown !== undefined || missing !== undefined) {
    const wanted = Object.entries(request).map(([one, kind]) => `${one}=<${kind}>`)
    throw new CommandError(
      'decide.request',
      `${name} is asked by ${wanted.join(' ')}: "${unknown ?? missing}" is ${unknown ? 'none of these' : 'missing'}`,
      { exitCode: 2 },
    )
  }
  return Object.fromEntries(
    [...given].map(([one, text]) => [one, fieldValue(one, text, request[one]!)]),
  )
}

function fieldValue(field: string, text: string, kind: DecisionDefinition['request'][string]) {
  if (kind === 'string') return text
  if (kind === 'timestamp') return instant(text)
  if (kind === 'boolean' && (text === 'true' || text === 'false')) return text === 'true'
  const number = text.trim() === '' ? Number.NaN : Number(text)
  if (kind === 'double' && Number.isFinite(number)) return number
  if (kind === 'long' && Number.isSafeInteger(number)) return number
  throw new CommandError('decide.request', `${field} is a ${kind}, not "${text}"`, { exitCode: 2 })
}

export const registerDecide: Register = (program, run) => {
  program
    .command('decide')
    .summary('ask for a decision that features make')
    .description(
      'Asks a decision of the products (decisions.ts) for its answer to a request: what it says, and the features that it is made of.',
    )
    .argument('<decision>', 'the decision, such as surge-multiplier')
    .argument('<field=value...>', 'what the request says')
    .requiredOption('--region <region>', 'the cell to ask')
    .option('--id <id>', 'names the request: the same one again gets the same answer')
    .option(
      '--at <time>',
      'features as of this point in time, UTC unless it says otherwise (default: now)',
    )
    .addHelpText(
      'after',
      [
        '',
        'Examples:',
        '  npm run weir -- decide surge-multiplier zone=161 --region us-east-1 --at 2019-01-15T23:00:00Z',
        '  npm run weir -- decide eta-estimate from=161 to=236 miles=2.4 departs=2019-01-15T23:00:00Z --region us-east-1',
        '',
        'With --json: {decision, version, request, answers, outcome, reasons, stale, features}; with --id also {id, decidedAt}.',
      ].join('\n'),
    )
    .action((name: string, fields: string[], options: DecideOptions, command: Command) =>
      run(command, async (context) => {
        const answer = await askDecision(context, name, fields, options)
        context.terminal.document(answer)
        context.terminal.line(decisionText(answer))
      }),
    )
}

/** A decision for people: its answer, why, and what it was made of. */
export function decisionText(answer: DecisionAnswer): string {
  const said = Object.entries(answer.answers).map(([name, value]) => `${name} ${String(value)}`)
  const { outcome, reasons = [] } = answer
  const because = reasons.length === 0 ? '' : ` (${reasons.join(', ')})`
  const head = [...(outcome === undefined ? [] : [`${outcome}${because}`]), ...said].join(', ')
  const rows = Object.values(answer.features).map((one) => [
    one.view,
    one.key,
    Object.entries(one.values)
      .map(
        ([name, value]) =>
          `${name} ${typeof value === 'object' ? JSON.stringify(value) : String(value)}`,
      )
      .join(', '),
    one.stale ? 'yes' : 'no',
  ])
  return `${head}\n${table(['view', 'key', 'values', 'stale'], rows)}`
}
