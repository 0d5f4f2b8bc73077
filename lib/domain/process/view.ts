/**
 * A feature view: what is aggregated per key and event-time window. JSON-safe, because it is bundled
 * beside the function that maintains it.
 */
export interface ViewDefinition {
  /** `[a-z][a-z0-9-]{0,47}`, unique in the cell: `features get` finds the view by it. */
  readonly name: string
  readonly description: string
  /** The data field whose value is the key. */
  readonly key: string
  readonly window: TumblingWindow
  readonly aggregates: readonly AggregateDefinition[]
  /** A value older than this is served with `stale`. */
  readonly freshnessSeconds: number
}

export interface TumblingWindow {
  readonly kind: 'tumbling'
  readonly sizeSeconds: number
}

export type AggregateDefinition =
  | { readonly name: string; readonly function: 'count' }
  | { readonly name: string; readonly function: 'sum' | 'mean'; readonly field: string }
