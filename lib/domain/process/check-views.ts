import type { Contract } from '#lib/domain/contract/contract.ts'
import { isSealed, sealedFields, storedForm } from '#lib/domain/contract/stored-form.ts'
import { PlatformError } from '#lib/domain/kernel/errors.ts'
import { aggregateOf } from './aggregates/aggregate-of.ts'
import type { AggregateDefinition, ViewDefinition } from './view.ts'
import { panesOf, type WindowDefinition } from './window.ts'

/** Characters of a key; DynamoDB's partition keys have 2,048 bytes. */
const MAX_KEY_LENGTH = 400
/** DynamoDB's items have 400 KB, with key, position and what else a slot says. */
const MAX_STATES_BYTES = 380_000
const KEY_KINDS = new Set(['string', 'int', 'long', 'decimal', 'boolean'])
const COLUMNS_OF_ITS_OWN = ['window_start', 'window_end', 'revision', 'computed_at']
/** Ten years: what is longer is a mistake in the unit. */
const MAX_WINDOW_SECONDS = 315_576_000
const MAX_PANES_PER_WINDOW = 10_000
const WINDOW_KINDS = ['tumbling', 'sliding', 'session', 'running']

/**
 * Holds views against the contract they read. Throws `view.invalid` with what to change: a view's file is read without
 * its types, so anything can stand in it.
 */
export function checkViews(given: Contract, views: readonly ViewDefinition[]): void {
  const contract = storedForm(given)
  for (const view of views) {
    const fail = (message: string): never => {
      throw new PlatformError(
        'view.invalid',
        `${contract.product}: view "${view.name}": ${message}`,
      )
    }
    if (!/^[a-z][a-z0-9-]{0,47}$/.test(view.name)) fail('use a name like "zone-fares"')
    if (TAKEN.test(view.name)) fail(`${contract.product}_${view.name} is another table: rename it`)
    checkKey(contract, view, fail)
    const problem = windowProblem(view.window as WindowDefinition | undefined)
    if (problem !== undefined) fail(problem)
    const { version = 1, subSlots = 1, updateSeconds = 0, freshnessSeconds } = view
    if (!isWhole(version, 1, 999)) fail('the version is a whole number from 1')
    if (!isWhole(subSlots, 1, 100)) fail('subSlots is a whole number from 1 to 100')
    if (!isWhole(updateSeconds, 0, 86_400)) fail('updateSeconds is a whole number up to 86400')
    if (!isWhole(freshnessSeconds, 1, MAX_WINDOW_SECONDS)) {
      fail(`freshnessSeconds is a whole number of seconds above 0, not ${shown(freshnessSeconds)}`)
    }
    checkAggregates(contract, view, fail)
    checkPersonal(contract, view, fail)
    checkStalePolicy(view, fail)
    if (view.serving !== undefined && view.serving !== 'both' && view.serving !== 'batch') {
      fail('serving is "both" or "batch"')
    }
    if (view.owner !== undefined && !/^\S.{0,99}$/.test(view.owner)) {
      fail('the owner is a name of at most 100 characters')
    }
  }
}

/** What follows a product's name in tables that are no features. */
const TAKEN = /^(?:raw|quarantine|late|maintenance|current|daily|rejections|latest|v\d+)$/

type Fail = (message: string) => never

function checkKey(contract: Contract, view: ViewDefinition, fail: Fail): void {
  const key = contract.fields.find((field) => field.name === view.key)
  if (key === undefined) {
    fail(`key "${view.key}" is not a field of the contract`)
    return
  }
  if (!KEY_KINDS.has(key.type.kind)) {
    fail(
      `key "${view.key}" is a ${key.type.kind}: a key is a string, an integer, a decimal or a boolean`,
    )
  }
  const length = key.constraints.maxLength
  if (key.type.kind === 'string' && (length === undefined || length > MAX_KEY_LENGTH)) {
    fail(
      `key "${view.key}" needs a maxLength of at most ${MAX_KEY_LENGTH} in the contract: it names an item`,
    )
  }
}

function checkAggregates(contract: Contract, view: ViewDefinition, fail: Fail): void {
  if (!Array.isArray(view.aggregates) || view.aggregates.length === 0) fail('it aggregates nothing')
  // Before the names: what is no aggregate has none.
  for (const aggregate of view.aggregates as readonly (AggregateDefinition | null)[]) {
    const { name, function: kind } = aggregate ?? {}
    if (aggregate === null || kind === undefined) {
      fail(`aggregate "${name}": there is no function nothing: write one`)
      continue
    }
    try {
      aggregateOf(aggregate, contract)
    } catch (error) {
      fail((error as Error).message)
    }
  }
  const names = view.aggregates.map((aggregate) => aggregate.name)
  if (new Set(names).size < names.length) fail('two aggregates have one name')
  const taken = names.find((name) => [view.key, ...COLUMNS_OF_ITS_OWN].includes(name))
  if (taken !== undefined)
    fail(`an aggregate cannot be named "${taken}": its table has that column`)
  const unnamed = names.find((name) => !/^[a-z][a-z0-9_]{0,63}$/.test(name))
  if (unnamed !== undefined) fail(`"${unnamed}" names no column: use a name like "fare_sum"`)
  const bytes = view.aggregates.reduce(
    (sum, one) => sum + one.name.length + aggregateOf(one, contract).maxStoredBytes,
    0,
  )
  if (bytes > MAX_STATES_BYTES) {
    fail(
      `its states may take ${bytes} bytes per key and window, and an item has ${MAX_STATES_BYTES}: lower a topk's capacity, a quantile's maxBins or a distinct's precision, or make two views`,
    )
  }
}

/** Of what is personal a view has the subject's token, which it may group by and count; nothing else is stored. */
function checkPersonal(contract: Contract, view: ViewDefinition, fail: Fail): void {
  if (!isSealed(contract)) return
  const [subject, ...hidden] = sealedFields(contract)
  const isReadable = ({ name }: { readonly name: string }) => !hidden.includes(name)
  const readable = { ...contract, fields: contract.fields.filter(isReadable) }
  const refuse = (what: string) =>
    fail(`${what} reads a personal field, which is sealed: of those a view can read "${subject}"`)
  if (hidden.includes(view.key)) refuse(`key "${view.key}"`)
  for (const aggregate of view.aggregates) {
    try {
      aggregateOf(aggregate, readable)
    } catch {
      refuse(`aggregate "${aggregate.name}"`)
    }
  }
}

function checkStalePolicy(
  { whenStale = 'lastKnown', aggregates }: ViewDefinition,
  fail: Fail,
): void {
  if (whenStale === 'lastKnown' || whenStale === 'error') return
  const fallback: unknown = (whenStale as { fallback?: unknown } | null)?.fallback
  if (typeof fallback !== 'object' || fallback === null) {
    fail('whenStale is "lastKnown", "error", or { fallback: { <aggregate>: <value> } }')
  }
  for (const [name, value] of Object.entries(fallback as object)) {
    if (!aggregates.some((one) => one.name === name))
      fail(`the fallback names no aggregate "${name}"`)
    if (value !== null && !['string', 'number', 'boolean'].includes(typeof value)) {
      fail(`the fallback of "${name}" is a number, a text, a truth value or null`)
    }
  }
}

function windowProblem(window: WindowDefinition | undefined): string | undefined {
  const seconds = (name: string, value: unknown, least = 1) =>
    isWhole(value, least, MAX_WINDOW_SECONDS)
      ? undefined
      : `the window's ${name} is a whole number of seconds from ${least} to ${MAX_WINDOW_SECONDS}`
  switch (window?.kind) {
    case 'tumbling':
      return (
        seconds('sizeSeconds', window.sizeSeconds) ??
        seconds('offsetSeconds', window.offsetSeconds ?? 0, -MAX_WINDOW_SECONDS)
      )
    case 'sliding': {
      const problem =
        seconds('sizeSeconds', window.sizeSeconds) ??
        seconds('slideSeconds', window.slideSeconds) ??
        seconds('offsetSeconds', window.offsetSeconds ?? 0, -MAX_WINDOW_SECONDS)
      if (problem !== undefined) return problem
      if (window.slideSeconds > window.sizeSeconds) {
        return 'the window slides past events: slideSeconds is at most sizeSeconds'
      }
      const panes = (window.sizeSeconds * 1_000_000) / panesOf(window).width
      if (panes <= MAX_PANES_PER_WINDOW) return undefined
      return `a window is made of ${panes} panes, one per common divisor of size and slide: at most ${MAX_PANES_PER_WINDOW}`
    }
    case 'session':
      return seconds('gapSeconds', window.gapSeconds)
    case 'running':
      return undefined
    default:
      return `there is no window ${shown((window as { kind?: unknown } | undefined)?.kind)}: write ${WINDOW_KINDS.join(', ')}`
  }
}

function isWhole(value: unknown, least: number, most: number): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most
}

function shown(value: unknown): string {
  return JSON.stringify(value) ?? 'nothing'
}
