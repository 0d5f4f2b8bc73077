import type { FinalRow } from '#lib/domain/process/feature-table.ts'
import { sessionsOf } from '#lib/domain/process/session.ts'
import { MAX_TIME, MIN_TIME, type TimeWindow, windowsOfPane } from '#lib/domain/process/window.ts'
import { mergedValues } from '#lib/domain/process/window-values.ts'
import type { BatchView, KeyPanes, PaneState } from './batch-states.ts'

/** A window of a key with the panes it is made of. */
export interface PanesOfWindow {
  readonly window: TimeWindow
  readonly panes: readonly PaneState[]
}

/**
 * The windows of a key that hold any of its panes, by their start. Those at the edge of what was computed may lack panes:
 * compute a window's size more on either side of what is wanted. A running total is one window, of all time.
 */
export function windowsOfKey(
  { view }: Pick<BatchView, 'view'>,
  { key, panes }: KeyPanes,
): readonly PanesOfWindow[] {
  const { window: definition } = view
  switch (definition.kind) {
    case 'running':
      return panes.length === 0 ? [] : [{ window: { start: MIN_TIME, end: MAX_TIME }, panes }]
    case 'session':
      return sessionsOf(
        definition,
        panes.map((pane) => ({ ...pane, key })),
      ).map(({ window, slots }) => ({ window, panes: slots }))
    default: {
      const byStart = new Map<number, { window: TimeWindow; panes: PaneState[] }>()
      for (const pane of panes) {
        for (const window of windowsOfPane(definition, pane.paneStart)) {
          const known = byStart.get(window.start)
          if (known === undefined) byStart.set(window.start, { window, panes: [pane] })
          else known.panes.push(pane)
        }
      }
      return [...byStart.values()].sort((a, b) => a.window.start - b.window.start)
    }
  }
}

/** A key's windows that are wanted, as rows of the view's feature table. */
export function finalRowsOf(
  { view, contract }: BatchView,
  keyPanes: KeyPanes,
  options: {
    readonly isWanted: (window: TimeWindow) => boolean
    readonly computedAtMs: number
    readonly revision?: number
  },
): readonly FinalRow[] {
  const { isWanted, computedAtMs, revision = 0 } = options
  return windowsOfKey({ view }, keyPanes)
    .filter(({ window }) => isWanted(window))
    .map(({ window, panes }) => ({
      key: keyPanes.key,
      windowStart: window.start,
      windowEnd: window.end,
      revision,
      computedAtMs,
      values: mergedValues(view, contract, ofNoShard(panes)),
    }))
}

/** Panes as what is merged: those of a batch are of all shards together. */
export function ofNoShard(panes: readonly PaneState[]): readonly (PaneState & { shard: string })[] {
  return panes.map((pane) => ({ ...pane, shard: '' }))
}
