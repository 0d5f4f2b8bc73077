import type { Contract } from '#lib/domain/contract/contract.ts'
import { isoOf, type Micros } from '#lib/domain/kernel/time.ts'
import type { AggregateValue } from '#lib/domain/process/aggregates/aggregate.ts'
import { aggregateOf } from '#lib/domain/process/aggregates/aggregate-of.ts'
import type { SlotStore } from '#lib/domain/process/slot-store.ts'
import type { ViewDefinition } from '#lib/domain/process/view.ts'
import { windowOf } from '#lib/domain/process/window.ts'

/** A view's values for one key, as of a point in time. */
export interface FeatureValues {
  readonly view: string
  readonly key: string
  /** The window that they are of, start inclusive and end exclusive; null if the key has no history. */
  readonly window: { readonly start: string; readonly end: string } | null
  /** By aggregate name; null where nothing was aggregated. */
  readonly values: Readonly<Record<string, AggregateValue>>
  readonly computedAt: string | null
  /** Older than the view's declared freshness at the time asked for, or no history at all. */
  readonly stale: boolean
  /** `stream`: from window slots; `none`: no history. */
  readonly source: 'stream' | 'none'
}

/** The newest window of a key that starts at or before `at`, merged over all shards. */
export async function readFeatures(
  slots: SlotStore,
  contract: Contract,
  view: ViewDefinition,
  key: string,
  at: Micros,
): Promise<FeatureValues> {
  const found = await slots.newestWindow(view.name, key, at)
  const first = found[0]
  const values = Object.fromEntries(
    view.aggregates.map((definition) => {
      const algebra = aggregateOf(definition, contract)
      const states = found.flatMap(({ states: { [definition.name]: stored } }) =>
        stored === undefined ? [] : [algebra.fromStored(stored)],
      )
      return [definition.name, algebra.finish(states.reduce(algebra.merge, algebra.create()))]
    }),
  )
  if (first === undefined) {
    return {
      view: view.name,
      key,
      window: null,
      values,
      computedAt: null,
      stale: true,
      source: 'none',
    }
  }
  const window = windowOf(view.window, first.windowStart)
  const computedAtMs = Math.max(...found.map((slot) => slot.computedAtMs))
  return {
    view: view.name,
    key,
    window: { start: isoOf(window.start), end: isoOf(window.end) },
    values,
    computedAt: isoOf(computedAtMs * 1000),
    stale: at - window.end > view.freshnessSeconds * 1_000_000,
    source: 'stream',
  }
}
