import type { Contract } from '#lib/domain/contract/contract.ts'
import { PlatformError } from '#lib/domain/kernel/errors.ts'
import { aggregateOf } from './aggregates/aggregate-of.ts'
import type { ViewDefinition } from './view.ts'

/** Characters of a key; DynamoDB's partition keys have 2,048 bytes. */
const MAX_KEY_LENGTH = 400
const KEY_KINDS = new Set(['string', 'int', 'long', 'decimal', 'boolean'])

/** Holds views against the contract they read. Throws `view.invalid` with what to change. */
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
    if (!Number.isInteger(view.window.sizeSeconds) || view.window.sizeSeconds <= 0) {
      fail('the window size is a whole number of seconds')
    }
    const names = view.aggregates.map((aggregate) => aggregate.name)
    if (names.length === 0) fail('it aggregates nothing')
    if (new Set(names).size < names.length) fail('two aggregates have one name')
    for (const aggregate of view.aggregates) aggregateOf(aggregate, contract)
  }
}
