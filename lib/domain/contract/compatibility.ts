import type { JsonValue } from '#lib/domain/kernel/json.ts'
import { statedFields } from './change-terms.ts'
import { compareFields } from './compare-fields.ts'
import { compareRules } from './compare-rules.ts'
import { compareTerms, type DocumentedContract, placedRules } from './compare-terms.ts'
import { type ContractChange, isBreaking } from './contract-change.ts'
import { type DocumentPath, isObject } from './document-node.ts'
import { SCHEMA } from './document-places.ts'
import { compareVersions, majorOf, nextVersion, type VersionPart } from './version.ts'

/** How a contract differs from an earlier version of it, and which version it therefore needs. */
export interface Comparison {
  readonly breaking: readonly ContractChange[]
  readonly compatible: readonly ContractChange[]
  /** The part of the version that has to grow at least, and the version to write; absent without a change. */
  readonly needs?: { readonly part: VersionPart; readonly version: string }
  /** Why the new document may not carry the version that it states, and what to write instead. */
  readonly versionProblem?: string
}

/**
 * Decides field by field, by their ids, whether every event and every reader of the old version fits the new one.
 * What cannot be decided (whether one pattern takes all that another takes) counts as a break. Pure.
 */
export function compareContracts(
  before: DocumentedContract,
  after: DocumentedContract,
): Comparison {
  const fieldsOf = ({ contract, document }: DocumentedContract) => ({
    document,
    place: SCHEMA,
    fields: statedFields(contract),
  })
  const noRules: DocumentPath = [...SCHEMA, 'quality']
  const found = [
    ...compareTerms(before, after),
    ...compareFields(fieldsOf(before), fieldsOf(after)),
    ...compareRules(placedRules(before), placedRules(after), after.contract.fields, {
      before: noRules,
      after: noRules,
    }),
  ]
  const changes = found.length > 0 ? found : wordsChanged(before.document, after.document)
  const breaking = changes.filter(isBreaking)
  const compatible = changes.filter((change) => !isBreaking(change))
  const part = neededPart(breaking, compatible)
  const needs =
    part === undefined
      ? {}
      : { needs: { part, version: nextVersion(before.contract.version, part) } }
  const problem = versionProblem(before.contract.version, after.contract.version, needs.needs)
  return {
    breaking,
    compatible,
    ...needs,
    ...(problem === undefined ? {} : { versionProblem: problem }),
  }
}

function neededPart(
  breaking: readonly ContractChange[],
  compatible: readonly ContractChange[],
): VersionPart | undefined {
  if (breaking.length > 0) return 'major'
  if (compatible.length === 0) return undefined
  const isWordsOnly = compatible.every((change) => change.kind === 'documentationChanged')
  return isWordsOnly ? 'patch' : 'minor'
}

function versionProblem(
  before: string,
  after: string,
  needs: Comparison['needs'],
): string | undefined {
  const order = compareVersions(after, before)
  const write = `write version: '${needs?.version ?? before}'`
  if (order < 0) return `version ${after} is older than ${before}: ${write}`
  if (needs === undefined) return undefined
  if (needs.part === 'major' && majorOf(after) === majorOf(before)) {
    return `a breaking change needs a new major version, not ${after}: ${write}`
  }
  if (order === 0) return `the contract changed, but its version is still ${after}: ${write}`
  return undefined
}

/** A difference between documents that compile to one contract: titles, tags, examples, rules of other engines. */
function wordsChanged(before: JsonValue, after: JsonValue): ContractChange[] {
  const path = firstDifference(withoutVersion(before), withoutVersion(after), [])
  if (path === undefined) return []
  const message = `${path.join('.')} differs`
  return [{ kind: 'documentationChanged', message, before: path, after: path }]
}

function withoutVersion(document: JsonValue): JsonValue {
  if (!isObject(document)) return document
  const { version: _version, ...rest } = document
  return rest
}

/** Undefined if both are equal, whatever the order of their keys. */
function firstDifference(
  before: JsonValue | undefined,
  after: JsonValue | undefined,
  path: DocumentPath,
): DocumentPath | undefined {
  if (before === after) return undefined
  if (Array.isArray(before) && Array.isArray(after)) {
    for (let at = 0; at < Math.max(before.length, after.length); at++) {
      const found = firstDifference(before[at], after[at], [...path, at])
      if (found !== undefined) return found
    }
    return undefined
  }
  if (!isObject(before) || !isObject(after)) return path
  for (const key of new Set([...Object.keys(after), ...Object.keys(before)])) {
    const found = firstDifference(before[key], after[key], [...path, key])
    if (found !== undefined) return found
  }
  return undefined
}
