import type { Contract } from '#lib/domain/contract/contract.ts'
import { PlatformError } from '#lib/domain/kernel/errors.ts'
import { aggregateOf } from './aggregate.ts'
import type { AggregateDefinition, ViewDefinition } from './view.ts'

/** Characters of a key; DynamoDB's partition keys have 2,048 bytes. */
const MAX_KEY_LENGTH = 400
const KEY_KINDS = new Set(['string', 'int', 'long', 'decimal', 'boolean'])

/** All that the types allow, and no more: a kind that is missing here or gone there does not compile. */
const FUNCTIONS: Readonly<Record<AggregateDefinition['function'], true>> = {
  count: true,
  sum: true,
  mean: true,
}
const WINDOWS: Readonly<Record<ViewDefinition['window']['kind'], true>> = { tumbling: true }

/**
 * Holds views against the contract they read. Throws `view.invalid` with what to change. Nothing is taken for granted: the
 * types of a product's file are stripped, not checked, before it runs.
 */
export function checkViews(contract: Contract, views: readonly ViewDefinition[]): void {
  for (const view of views) {
    const fail = (message: string): never => {
      throw new PlatformError(
        'view.invalid',
        `${contract.product}: view "${view.name}": ${message}`,
      )
    }
    if (!/^[a-z][a-z0-9-]{0,47}$/.test(view.name)) fail('use a name like "zone-fares"')
    const key = contract.fields.find((field) => field.name === view.key)
    if (key === undefined) fail(`key "${view.key}" is not a field of the contract`)
    if (key !== undefined && !KEY_KINDS.has(key.type.kind)) {
      fail(
        `key "${view.key}" is a ${key.type.kind}: a key is a string, an integer, a decimal or a boolean`,
      )
    }
    const length = key?.constraints.maxLength
    if (key?.type.kind === 'string' && (length === undefined || length > MAX_KEY_LENGTH)) {
      fail(
        `key "${view.key}" needs a maxLength of at most ${MAX_KEY_LENGTH} in the contract: it names an item`,
      )
    }
    if (!isOneOf(WINDOWS, view.window?.kind)) {
      fail(`there is no window ${shown(view.window?.kind)}: write ${listed(WINDOWS)}`)
    }
    if (!isWholeNumber(view.window.sizeSeconds))
      fail('the window size is a whole number of seconds')
    if (!isWholeNumber(view.freshnessSeconds)) {
      fail(
        `freshnessSeconds is a whole number of seconds above 0, not ${shown(view.freshnessSeconds)}`,
      )
    }
    if (!Array.isArray(view.aggregates) || view.aggregates.length === 0)
      fail('it aggregates nothing')
    for (const aggregate of view.aggregates) {
      if (isOneOf(FUNCTIONS, aggregate?.function)) continue
      fail(
        `aggregate "${aggregate?.name}": there is no function ${shown(aggregate?.function)}: write one of ${listed(FUNCTIONS)}`,
      )
    }
    const names = view.aggregates.map((aggregate) => aggregate.name)
    if (new Set(names).size < names.length) fail('two aggregates have one name')
    for (const aggregate of view.aggregates) aggregateOf(aggregate, contract)
  }
}

function isOneOf(known: Readonly<Record<string, true>>, kind: unknown): boolean {
  return typeof kind === 'string' && Object.hasOwn(known, kind)
}

function listed(known: Readonly<Record<string, true>>): string {
  return Object.keys(known).join(', ')
}

function isWholeNumber(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) > 0
}

function shown(value: unknown): string {
  return JSON.stringify(value) ?? 'nothing'
}
