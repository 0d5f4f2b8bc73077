import type { Contract } from '#lib/domain/contract/contract.ts'
import type { ContractVersions } from '#lib/domain/contract/contract-versions.ts'
import type { Micros } from '#lib/domain/kernel/time.ts'
import { aggregateOf } from '#lib/domain/process/aggregates/aggregate-of.ts'
import {
  contractOfView,
  definitionHash,
  stateNameOf,
  type ViewDefinition,
} from '#lib/domain/process/view.ts'

/** A view with what its states are made and filed by. */
export interface BatchView {
  readonly view: ViewDefinition
  /** As `contractOfView` gives it: with the derived columns. */
  readonly contract: Contract
  /** What its states are filed under. */
  readonly name: string
  /** Equal for views whose states mean the same. */
  readonly definition: string
}

/** What a key's rows of one pane come to, of all shards together; rows that came too late for the stream are in it. */
export interface PaneState {
  readonly paneStart: Micros
  /** Of the rows in it. */
  readonly eventTime: { readonly min: Micros; readonly max: Micros }
  /** By aggregate, as its algebra stores it. */
  readonly states: Readonly<Record<string, unknown>>
}

/** A key with its panes, oldest first. */
export interface KeyPanes {
  readonly key: string
  readonly panes: readonly PaneState[]
}

/** Throws `view.invalid`. */
export function batchViewOf(view: ViewDefinition, contracts: ContractVersions): BatchView {
  const contract = contractOfView(view, contracts)
  return { view, contract, name: stateNameOf(view), definition: definitionHash(view, contract) }
}

/**
 * The states of several parts of event time as one, keys in the order of their texts. Merging is the aggregates' own: how
 * the rows were cut does not show.
 */
export function mergedKeys(
  view: BatchView,
  parts: Iterable<readonly KeyPanes[]>,
): readonly KeyPanes[] {
  const byKey = new Map<string, Map<Micros, PaneState>>()
  for (const part of parts) {
    for (const { key, panes } of part) {
      const known = byKey.get(key) ?? new Map<Micros, PaneState>()
      byKey.set(key, known)
      for (const pane of panes) {
        const before = known.get(pane.paneStart)
        known.set(pane.paneStart, before === undefined ? pane : mergedPane(view, before, pane))
      }
    }
  }
  const keys = [...byKey].map(([key, panes]) => ({ key, panes: inOrder([...panes.values()]) }))
  return keys.sort((a, b) => (a.key < b.key ? -1 : 1))
}

/** Two states of one pane as one. */
export function mergedPane(
  { view, contract }: Pick<BatchView, 'view' | 'contract'>,
  a: PaneState,
  b: PaneState,
): PaneState {
  const states = view.aggregates.map((definition): [string, unknown] => {
    const algebra = aggregateOf(definition, contract)
    const [one, other] = [a.states[definition.name], b.states[definition.name]]
    const merged = algebra.merge(algebra.fromStored(one), algebra.fromStored(other))
    return [definition.name, algebra.toStored(merged)]
  })
  return {
    paneStart: a.paneStart,
    eventTime: {
      min: Math.min(a.eventTime.min, b.eventTime.min),
      max: Math.max(a.eventTime.max, b.eventTime.max),
    },
    states: Object.fromEntries(states),
  }
}

export function inOrder(panes: readonly PaneState[]): readonly PaneState[] {
  return [...panes].sort((a, b) => a.paneStart - b.paneStart)
}
