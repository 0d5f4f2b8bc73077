import type { Contract } from '#lib/domain/contract/contract.ts'
import type { AggregateValue } from './aggregates/aggregate.ts'
import { aggregateOf } from './aggregates/aggregate-of.ts'
import type { Slot } from './slot-store.ts'
import type { ViewDefinition } from './view.ts'

/**
 * The finished values of a window from all its slots, in the order of the definition. Merged by pane and shard, so
 * that two readers of the same slots find the same, whatever order they were read in.
 */
export function mergedValues(
  view: ViewDefinition,
  contract: Contract,
  slots: readonly Pick<Slot, 'paneStart' | 'shard' | 'states'>[],
): readonly AggregateValue[] {
  const inOrder = [...slots].sort(
    (a, b) => a.paneStart - b.paneStart || (a.shard < b.shard ? -1 : a.shard > b.shard ? 1 : 0),
  )
  return view.aggregates.map((definition) => {
    const algebra = aggregateOf(definition, contract)
    const states = inOrder.flatMap(({ states: { [definition.name]: stored } }) =>
      stored === undefined ? [] : [algebra.fromStored(stored)],
    )
    return algebra.finish(states.reduce(algebra.merge, algebra.create()))
  })
}
