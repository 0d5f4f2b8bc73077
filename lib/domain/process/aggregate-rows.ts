import type { Contract } from '#lib/domain/contract/contract.ts'
import { scaleOf } from '#lib/domain/contract/scalar.ts'
import type { Column, ColumnBatch } from '#lib/domain/kernel/columns.ts'
import { aggregateOf } from './aggregates/aggregate-of.ts'
import { groupRows } from './group-rows.ts'
import { type KeyCodes, keyCodes } from './key-codes.ts'
import type { ViewDefinition } from './view.ts'
import { panesOf } from './window.ts'

/** What a batch adds to the panes of a view: a group for each key and pane, no object for any. */
export interface PanePartials {
  readonly count: number
  /** The key of a group as slots are filed under it. */
  keyOf(group: number): string
  /** Per group, as all that follows. */
  readonly paneStarts: Float64Array
  readonly minEventTimes: Float64Array
  readonly maxEventTimes: Float64Array
  /** Of each aggregate of the view, in its order. */
  readonly states: readonly (readonly unknown[])[]
}

/** A batch with what it adds to a view. */
export interface AggregatedRows {
  readonly partials: PanePartials
  readonly keys: KeyCodes
}

/**
 * Aggregates the rows of one batch by key and pane.
 *
 * @param late rows that came too late for the view, as 1
 */
export function aggregateRows(
  view: ViewDefinition,
  contract: Contract,
  batch: ColumnBatch,
  late?: Uint8Array,
): AggregatedRows {
  const times = batch.columns.get(contract.eventTime) as Extract<Column, { kind: 'int64' }>
  const keys = keyCodes(batch.columns.get(view.key)!, batch.rows, keyScaleOf(contract, view.key))
  const grouped = groupRows(keys, times, batch.rows, panesOf(view.window), late)
  const { groups, count, codes, paneStarts, minEventTimes, maxEventTimes } = grouped
  const states = view.aggregates.map((one) =>
    aggregateOf(one, contract).addBatch(batch, groups, count),
  )
  const texts = new Array<string | undefined>(keys.count)
  const keyOf = (group: number): string => {
    const code = codes[group]!
    const known = texts[code] ?? keys.text(code)
    texts[code] = known
    return known
  }
  return { partials: { count, keyOf, paneStarts, minEventTimes, maxEventTimes, states }, keys }
}

/** Digits behind the point of a view's key; none for what is no decimal. */
export function keyScaleOf(contract: Contract, key: string): number {
  const type = contract.fields.find((field) => field.name === key)?.type
  return type === undefined ? 0 : scaleOf(type)
}
