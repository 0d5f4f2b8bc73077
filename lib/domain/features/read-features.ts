import type { Contract } from '#lib/domain/contract/contract.ts'
import { PlatformError } from '#lib/domain/kernel/errors.ts'
import { isAfter } from '#lib/domain/kernel/sequence-number.ts'
import { isoOf, MICROS_PER_SECOND, type Micros } from '#lib/domain/kernel/time.ts'
import type { AggregateValue } from '#lib/domain/process/aggregates/aggregate.ts'
import { sessionCloses } from '#lib/domain/process/closed-windows.ts'
import { sessionsOf } from '#lib/domain/process/session.ts'
import type { Slot, SlotStore } from '#lib/domain/process/slot-store.ts'
import { FIRST_GENERATION, stateNameOf, type ViewDefinition } from '#lib/domain/process/view.ts'
import { isWhole } from '#lib/domain/process/whole-windows.ts'
import { MIN_TIME, type TimeWindow, windowAt } from '#lib/domain/process/window.ts'
import { mergedValues } from '#lib/domain/process/window-values.ts'

/** A view's values for one key, as of a point in time. */
export interface FeatureValues {
  readonly view: string
  readonly key: string
  /**
   * The window that they are of, start inclusive and end exclusive; null if the key has no history, and for a running
   * total.
   */
  readonly window: { readonly start: string; readonly end: string } | null
  /** By aggregate name; null where nothing was aggregated. */
  readonly values: Readonly<Record<string, AggregateValue>>
  readonly computedAt: string | null
  /** Older than the view's declared freshness at the time asked for, or no history at all. */
  readonly stale: boolean
  /**
   * `provisional`: events may still be added; `final`: only one of a shard that was away can change it; `none`: no
   * history.
   */
  readonly result: 'provisional' | 'final' | 'none'
  /** `stream`: from window slots; `fallback`: what the view declares for a stale value; `none`: no history. */
  readonly source: 'stream' | 'fallback' | 'none'
  /** Which set of states it was read from: `v1` is the first, a replay fills others. */
  readonly generation: string
}

export interface FeatureSources {
  readonly slots: SlotStore
  readonly contract: Contract
  /** Which of several sets of states is read. @default the first */
  readonly generation?: string
  /** Where that set begins: windows of which a part lies before it are not answered. @default it holds everything */
  readonly from?: Micros
}

/**
 * The newest window of a key that starts at or before `at`, merged over all shards; what is stale as the view wants it.
 * Throws `features.stale` if it wants an error.
 */
export async function readFeatures(
  sources: FeatureSources,
  view: ViewDefinition,
  key: string,
  at: Micros,
): Promise<FeatureValues> {
  const known = await newestFeatures(sources, view, key, at)
  const { whenStale = 'lastKnown' } = view
  if (!known.stale || whenStale === 'lastKnown') return known
  if (whenStale === 'error') {
    const newest =
      known.source === 'none' ? 'nothing is known' : `it was computed at ${known.computedAt}`
    throw new PlatformError(
      'features.stale',
      `${view.name}: "${key}" has no value that is younger than ${view.freshnessSeconds} s: ${newest}`,
    )
  }
  const values = view.aggregates.map(({ name }) => [name, whenStale.fallback[name] ?? null])
  return { ...known, values: Object.fromEntries(values), source: 'fallback' }
}

async function newestFeatures(
  sources: FeatureSources,
  view: ViewDefinition,
  key: string,
  at: Micros,
): Promise<FeatureValues> {
  const { slots, contract, generation, from } = sources
  const name = stateNameOf(view, generation)
  const [newest, progress] = await Promise.all([
    newestWindow(slots, name, view, key, at),
    slots.finalProgress(name),
  ])
  const isPartial =
    newest !== undefined && newest.window !== null && !isWhole(view.window, from, newest.window)
  const found = isPartial ? undefined : newest
  const values = mergedValues(view, contract, found?.slots ?? [])
  const named = Object.fromEntries(view.aggregates.map((one, i) => [one.name, values[i]!]))
  if (found === undefined) {
    return {
      view: view.name,
      key,
      window: null,
      values: named,
      computedAt: null,
      stale: true,
      result: 'none',
      source: 'none',
      generation: generation ?? FIRST_GENERATION,
    }
  }
  const { window } = found
  const computedAtMs = Math.max(...found.slots.map((slot) => slot.computedAtMs))
  const end = window?.end ?? Math.max(...found.slots.map((slot) => slot.eventTime.max))
  return {
    view: view.name,
    key,
    window: window === null ? null : { start: isoOf(window.start), end: isoOf(window.end) },
    values: named,
    computedAt: isoOf(computedAtMs * 1000),
    stale: at - end > view.freshnessSeconds * MICROS_PER_SECOND,
    result: isFinal(view, window, progress?.closed) ? 'final' : 'provisional',
    source: 'stream',
    generation: generation ?? FIRST_GENERATION,
  }
}

interface FoundWindow {
  /** Null for a running total. */
  readonly window: TimeWindow | null
  readonly slots: readonly Slot[]
}

async function newestWindow(
  slots: SlotStore,
  name: string,
  { window: definition }: ViewDefinition,
  key: string,
  at: Micros,
): Promise<FoundWindow | undefined> {
  const newest = await slots.newestPane(name, key, at)
  const pane = newest[0]?.paneStart
  if (pane === undefined) return undefined
  switch (definition.kind) {
    case 'running':
      return { window: null, slots: newest }
    case 'tumbling':
      return { window: windowAt(definition, pane)!, slots: newest }
    case 'sliding': {
      // Of the windows that hold the newest pane the one that ends first: nothing in it lies after the time asked for.
      const window = windowAt(definition, pane)!
      const range = { from: window.start, to: window.end - 1 }
      const found = await slots.range(name, key, range.from, range.to, { consistent: false })
      return { window, slots: newestOf(found, newest) }
    }
    case 'session':
      return newestSession(slots, name, definition.gapSeconds, key, newest)
  }
}

/** The session of the newest pane, as far back as it goes. */
async function newestSession(
  slots: SlotStore,
  name: string,
  gapSeconds: number,
  key: string,
  newest: readonly Slot[],
): Promise<FoundWindow | undefined> {
  const pane = newest[0]!.paneStart
  const gap = gapSeconds * MICROS_PER_SECOND
  for (let reach = 8 * gap; ; reach *= 4) {
    const from = Math.max(MIN_TIME, pane - reach)
    // A pane more: an event asked for later may have joined this session.
    const found = await slots.range(name, key, from, pane + gap, { consistent: false })
    const known = newestOf(found, newest)
    const session = sessionsOf({ kind: 'session', gapSeconds }, known).find((one) =>
      one.slots.some((slot) => slot.paneStart === pane),
    )
    if (session === undefined) return undefined
    const isWhole = from === MIN_TIME || session.window.start - 2 * gap >= from
    if (isWhole) return session
  }
}

/** Two reads as one: an eventually consistent one may lack what the one before it had. */
function newestOf(some: readonly Slot[], others: readonly Slot[]): readonly Slot[] {
  const slots = new Map<string, Slot>()
  for (const slot of [...some, ...others]) {
    const id = `${slot.paneStart}/${slot.shard}`
    const known = slots.get(id)
    if (known === undefined || isAfter(slot.sequence, known.sequence)) slots.set(id, slot)
  }
  return [...slots.values()].sort(
    (a, b) => a.paneStart - b.paneStart || (a.shard < b.shard ? -1 : 1),
  )
}

function isFinal(
  { window: definition }: ViewDefinition,
  window: TimeWindow | null,
  closed: Micros | undefined,
): boolean {
  if (window === null || closed === undefined) return false
  const closes = definition.kind === 'session' ? sessionCloses(definition, window) : window.end
  return closes <= closed
}
