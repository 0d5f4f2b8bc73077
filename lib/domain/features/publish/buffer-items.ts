import {
  type BatchView,
  inOrder,
  type KeyPanes,
  type PaneState,
} from '#lib/domain/features/batch/batch-states.ts'
import { ofNoShard } from '#lib/domain/features/batch/batch-windows.ts'
import { contentHash } from '#lib/domain/kernel/content-hash.ts'
import { MICROS_PER_SECOND, type Micros } from '#lib/domain/kernel/time.ts'
import { sessionsOf } from '#lib/domain/process/session.ts'
import { windowAt } from '#lib/domain/process/window.ts'
import { mergedValues } from '#lib/domain/process/window-values.ts'
import type { BufferItem } from './feature-buffers.ts'
import type { Building } from './publications.ts'

/** Results that nobody has computed again for so long are served no more: what was erased since must not live on in them. */
export const ITEM_LIFE_MS = 35 * 86_400_000

/** What all items of a publication share. */
export interface ItemsOf {
  readonly view: BatchView
  readonly building: Pick<Building, 'buffer' | 'version'>
  readonly cut: Micros
  readonly computedAtMs: number
}

/**
 * What of a key's history is served from a cut on: the newest window, and of sliding windows and sessions the panes that
 * later events go on with. Undefined for a key without any.
 */
export function bufferItem(
  { view, building, cut, computedAtMs }: ItemsOf,
  { key, panes: all }: KeyPanes,
): BufferItem | undefined {
  const { buffer, version } = building
  const newest = newestOf(view, key, all)
  if (newest === undefined) return undefined
  const values = mergedValues(view.view, view.contract, ofNoShard(newest.panes))
  const named = view.view.aggregates.map(({ name }, at) => [name, values[at]!])
  return {
    ...{ buffer, view: view.name, key, version, cut, computedAtMs },
    panes: servedPanes(view, all, newest.panes, cut),
    window: newest.window,
    values: JSON.stringify(Object.fromEntries(named)),
    expiresAtMs: computedAtMs + ITEM_LIFE_MS,
  }
}

/** The window that a key's newest pane is in and that ends first, as a reader would get it. */
function newestOf({ view }: BatchView, key: string, all: readonly PaneState[]) {
  const panes = inOrder(all)
  const last = panes.at(-1)
  if (last === undefined) return undefined
  switch (view.window.kind) {
    case 'running':
      return { window: null, panes }
    case 'session': {
      const ofKey = panes.map((pane) => ({ ...pane, key }))
      const { window, slots } = sessionsOf(view.window, ofKey).at(-1)!
      return { window, panes: slots.map(({ key: _, ...pane }) => pane) }
    }
    default: {
      const window = windowAt(view.window, last.paneStart)!
      return { window, panes: panes.filter(({ paneStart }) => paneStart >= window.start) }
    }
  }
}

function servedPanes(
  { view }: BatchView,
  all: readonly PaneState[],
  newest: readonly PaneState[],
  cut: Micros,
): readonly PaneState[] {
  if (view.serving === 'batch') return []
  if (view.window.kind !== 'sliding') return newest
  // A window that holds a pane after the cut reaches back by less than its size.
  const since = cut - view.window.sizeSeconds * MICROS_PER_SECOND
  return inOrder(all.filter((pane) => pane.paneStart > since || newest.includes(pane)))
}

/** Equal for equal items, in the order given. Of what readers get, not of when it was written. */
export function digestOf(items: readonly BufferItem[]): string {
  const lines = items.map(({ view, key, cut, panes, window, values }) =>
    JSON.stringify([
      ...[view, key, cut, window?.start ?? null, window?.end ?? null, values],
      panes.map(({ paneStart, eventTime: { min, max }, states }) => [paneStart, min, max, states]),
    ]),
  )
  return contentHash(Buffer.from(lines.join('\n')))
}

/** The checksum of a buffer from those of its parts, in their order. */
export function checksumOf(digests: readonly string[]): string {
  return contentHash(Buffer.from(digests.join('\n')))
}
