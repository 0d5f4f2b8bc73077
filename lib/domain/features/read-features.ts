import type { Contract } from '#lib/domain/contract/contract.ts'
import { PlatformError } from '#lib/domain/kernel/errors.ts'
import { isAfter } from '#lib/domain/kernel/sequence-number.ts'
import { isoOf, MICROS_PER_SECOND, type Micros } from '#lib/domain/kernel/time.ts'
import { parseExact } from '#lib/domain/lake/exact-json.ts'
import type { AggregateValue } from '#lib/domain/process/aggregates/aggregate.ts'
import { sessionCloses } from '#lib/domain/process/closed-windows.ts'
import { sessionsOf } from '#lib/domain/process/session.ts'
import type { FinalProgress, Slot, SlotStore } from '#lib/domain/process/slot-store.ts'
import { FIRST_GENERATION, stateNameOf, type ViewDefinition } from '#lib/domain/process/view.ts'
import { isWhole } from '#lib/domain/process/whole-windows.ts'
import {
  MIN_TIME,
  paneStart,
  panesOf,
  type TimeWindow,
  windowAt,
} from '#lib/domain/process/window.ts'
import { mergedValues } from '#lib/domain/process/window-values.ts'
import type { PaneState } from './batch/batch-states.ts'
import type { BufferItem } from './publish/feature-buffers.ts'
import type { PublishedKey } from './publish/published-features.ts'

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
  /**
   * `stream`: from window slots; `batch`: from what was published last; `both`: merged from the two; `fallback`: what the
   * view declares for a stale value; `none`: no history.
   */
  readonly source: 'stream' | 'batch' | 'both' | 'fallback' | 'none'
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
  /** What was published of the key: it answers for everything before its cut. @default nothing was */
  readonly published?: PublishedKey
  /** Only these aggregates are computed and answered. @default all of the view */
  readonly features?: readonly string[]
  /** How far windows are closed, null if none are. @default it is read */
  readonly progress?: FinalProgress | null
}

/**
 * The newest window of a key that starts at or before `at`, merged over all shards and with what was published; what is
 * stale as the view wants it. Throws `features.stale` if it wants an error.
 */
export async function readFeatures(
  sources: FeatureSources,
  view: ViewDefinition,
  key: string,
  at: Micros,
): Promise<FeatureValues> {
  const { features } = sources
  const asked = features === undefined ? view : onlyOf(view, features)
  const known = await newestFeatures(sources, asked, key, at)
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
  const values = asked.aggregates.map(({ name }) => [name, whenStale.fallback[name] ?? null])
  return { ...known, values: Object.fromEntries(values), source: 'fallback' }
}

function onlyOf(view: ViewDefinition, features: readonly string[]): ViewDefinition {
  const unknown = features.find((one) => !view.aggregates.some(({ name }) => name === one))
  if (unknown !== undefined) {
    const known = view.aggregates.map(({ name }) => name).join(', ')
    throw new PlatformError(
      'features.unknownFeature',
      `${view.name} has no feature "${unknown}": it has ${known}`,
    )
  }
  return { ...view, aggregates: view.aggregates.filter(({ name }) => features.includes(name)) }
}

async function newestFeatures(
  sources: FeatureSources,
  view: ViewDefinition,
  key: string,
  at: Micros,
): Promise<FeatureValues> {
  const { slots, contract, generation, from } = sources
  const name = stateNameOf(view, generation)
  const item = sources.published?.item
  if (view.serving === 'batch') return publishedAnswer(sources, view, key, at, item)
  const [newest, progress] = await Promise.all([
    newestWindow(sources, name, view, key, at),
    sources.progress === undefined ? slots.finalProgress(name) : sources.progress,
  ])
  if (newest === 'published') return publishedAnswer(sources, view, key, at, item)
  const isPartial =
    newest !== undefined &&
    newest.window !== null &&
    !isWhole(view.window, wholeSince(from, item), newest.window)
  const found = isPartial ? undefined : newest
  const values = mergedValues(view, contract, found?.slots ?? [])
  const named = Object.fromEntries(view.aggregates.map((one, i) => [one.name, values[i]!]))
  if (found === undefined) return noHistory(view, key, named, generation)
  const { window } = found
  const computedAtMs = Math.max(...found.slots.map((slot) => slot.computedAtMs))
  const end = window?.end ?? Math.max(...found.slots.map((slot) => slot.eventTime.max))
  const ofBatch = found.slots.some(({ shard }) => shard === OF_BATCH)
  return {
    view: view.name,
    key,
    window: window === null ? null : { start: isoOf(window.start), end: isoOf(window.end) },
    values: named,
    computedAt: isoOf(computedAtMs * 1000),
    stale: isStale(view, end, at),
    result: isFinal(view, window, progress?.closed) ? 'final' : 'provisional',
    source: ofBatch ? 'both' : 'stream',
    generation: generation ?? FIRST_GENERATION,
  }
}

function isStale({ freshnessSeconds }: ViewDefinition, end: Micros, at: Micros): boolean {
  return at - end > freshnessSeconds * MICROS_PER_SECOND
}

function noHistory(
  { name, aggregates }: ViewDefinition,
  key: string,
  values: FeatureValues['values'] | undefined,
  generation: string | undefined,
): FeatureValues {
  return {
    view: name,
    key,
    window: null,
    values: values ?? Object.fromEntries(aggregates.map((one) => [one.name, null])),
    computedAt: null,
    stale: true,
    result: 'none',
    source: 'none',
    generation: generation ?? FIRST_GENERATION,
  }
}

/** What was published, as it stands there: nothing has come since. */
function publishedAnswer(
  { generation }: FeatureSources,
  view: ViewDefinition,
  key: string,
  at: Micros,
  item: BufferItem | undefined,
): FeatureValues {
  // An aggregate of nothing may be something, such as a count of 0, but nobody has counted.
  if (item === undefined) return noHistory(view, key, undefined, generation)
  const values = parseExact(item.values) as FeatureValues['values']
  const { window } = item
  return {
    view: view.name,
    key,
    window: window === null ? null : { start: isoOf(window.start), end: isoOf(window.end) },
    values: Object.fromEntries(view.aggregates.map(({ name }) => [name, values[name] ?? null])),
    computedAt: isoOf(item.computedAtMs * 1000),
    stale: isStale(view, window?.end ?? item.cut, at),
    result: 'final',
    source: 'batch',
    generation: generation ?? FIRST_GENERATION,
  }
}

/** Where slots and published panes together begin to hold everything. */
function wholeSince(from: Micros | undefined, item: BufferItem | undefined): Micros | undefined {
  return from === undefined || (item !== undefined && from <= item.cut) ? undefined : from
}

/** Published panes are of no shard, that is of all of them. */
const OF_BATCH = ''

type Held = Pick<Slot, 'key' | 'paneStart' | 'shard' | 'states' | 'eventTime' | 'computedAtMs'>

interface FoundWindow {
  /** Null for a running total. */
  readonly window: TimeWindow | null
  readonly slots: readonly Held[]
}

/** `published`: nothing of the key has come since the cut. */
async function newestWindow(
  { slots, published }: FeatureSources,
  name: string,
  { window: definition }: ViewDefinition,
  key: string,
  at: Micros,
): Promise<FoundWindow | 'published' | undefined> {
  const newest = await slots.newestPane(name, key, at)
  const pane = newest[0]?.paneStart
  const item = definition.kind === 'running' ? undefined : published?.item
  // Panes that lie before the cut are the batch's, which has what came too late for the stream.
  const cut = item === undefined ? MIN_TIME : paneStart(panesOf(definition), item.cut)
  if (item !== undefined && (pane === undefined || pane < cut)) return 'published'
  if (pane === undefined) return undefined
  const before = (item?.panes ?? []).map((one) => heldOf(item!, one))
  switch (definition.kind) {
    case 'running':
      return { window: null, slots: newest }
    case 'tumbling':
      return { window: windowAt(definition, pane)!, slots: newest }
    case 'sliding': {
      // Of the windows that hold the newest pane the one that ends first: nothing in it lies after the time asked for.
      const window = windowAt(definition, pane)!
      const range = { from: Math.max(window.start, cut), to: window.end - 1 }
      const found = await slots.range(name, key, range.from, range.to, { consistent: false })
      const ofBatch = before.filter((one) => one.paneStart >= window.start)
      return { window, slots: [...ofBatch, ...newestOf(found, newest)] }
    }
    case 'session':
      return newestSession(slots, name, definition.gapSeconds, key, newest, { cut, before })
  }
}

function heldOf({ key, computedAtMs }: BufferItem, pane: PaneState): Held {
  return { ...pane, key, shard: OF_BATCH, computedAtMs }
}

/** The session of the newest pane, as far back as it goes. */
async function newestSession(
  slots: SlotStore,
  name: string,
  gapSeconds: number,
  key: string,
  newest: readonly Slot[],
  { cut, before }: { readonly cut: Micros; readonly before: readonly Held[] },
): Promise<FoundWindow | undefined> {
  const pane = newest[0]!.paneStart
  const gap = gapSeconds * MICROS_PER_SECOND
  for (let reach = 8 * gap; ; reach *= 4) {
    const from = Math.max(cut, pane - reach)
    // A pane more: an event asked for later may have joined this session.
    const found = await slots.range(name, key, from, pane + gap, { consistent: false })
    const known = [...(from === cut ? before : []), ...newestOf(found, newest)]
    const session = sessionsOf({ kind: 'session', gapSeconds }, known).find((one) =>
      one.slots.some((slot) => slot.paneStart === pane),
    )
    if (session === undefined) return undefined
    const isWhole = from === cut || session.window.start - 2 * gap >= from
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
