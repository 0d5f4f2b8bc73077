import type { JournalEntry } from '#lib/domain/ingest/journal.ts'
import { inParallel } from '#lib/domain/kernel/in-parallel.ts'
import { MICROS_PER_SECOND, type Micros } from '#lib/domain/kernel/time.ts'
import { sessionCloses, shardsByKey, slotKeys, type WindowSlots } from './closed-windows.ts'
import type { FinalView } from './finalize-windows.ts'
import { KeyedPanes } from './keyed-panes.ts'
import { readEntry } from './read-entry.ts'
import { chainAround } from './session.ts'
import type { Slot, SlotKey } from './slot-store.ts'
import { liesBefore } from './whole-windows.ts'
import { MIN_TIME, paneStart, panesOf, type SessionWindow, windowsOfPane } from './window.ts'

/** A pane of a key that entries past the fences have added to. */
export interface TouchedPane {
  readonly key: string
  readonly paneStart: Micros
}

/** What an event that came after a final result changes in the table. */
export interface Revision {
  /** Closed windows as they stand now. */
  readonly windows: readonly WindowSlots[]
  /** Rows of these keys that start in [from, to) are what they were before. */
  readonly replaced: readonly { readonly key: string; readonly from: Micros; readonly to: Micros }[]
  /** Windows that lack a slot: it has expired, and a row is only replaced by one that has all it was made of. */
  readonly incomplete: number
}

/** Windows that are read side by side. */
const READS_AT_ONCE = 16

/** Panes that the entries added to and that lie in windows which are closed, each once. */
export async function touchedPanes(
  run: FinalView,
  entries: readonly JournalEntry[],
  closed: Micros,
): Promise<readonly TouchedPane[]> {
  // Only who is touched is asked for: no column that is aggregated has to be read.
  const view = { ...run.view, aggregates: [] }
  const panes = new KeyedPanes(view, run.contract, run.from)
  for (const entry of entries) {
    if (entry.eventTime === undefined || liesBefore(run.from, entry)) continue
    const first = paneStart(panesOf(run.view.window), entry.eventTime.min)
    if (!mayBeClosed(run, first, closed)) continue
    const { batches } = await readEntry(
      { contracts: run.contracts, objects: run.lake.objects },
      view,
      run.contract,
      entry,
    )
    for (const { batch, leftOut } of batches) panes.numbersOf(batch, leftOut)
  }
  const touched: TouchedPane[] = []
  for (let number = 0; number < panes.count; number++) {
    const start = panes.paneStartOf(number)
    if (!mayBeClosed(run, start, closed)) continue
    touched.push({ key: panes.keyOf(number), paneStart: start })
  }
  return touched
}

function mayBeClosed({ view }: FinalView, start: Micros, closed: Micros): boolean {
  const { window } = view
  switch (window.kind) {
    case 'running':
      return false
    case 'session':
      // A session that ended two gaps before has had its last event a gap before this at the latest.
      return start <= closed - window.gapSeconds * MICROS_PER_SECOND
    default:
      return windowsOfPane(window, start)[0]!.end <= closed
  }
}

/** Closed windows that hold a touched pane, with all of their slots, strongly consistent. */
export async function revisedWindows(
  run: FinalView,
  touched: readonly TouchedPane[],
  closed: Micros,
): Promise<Revision> {
  const { window } = run.view
  if (touched.length === 0 || window.kind === 'running') {
    return { windows: [], replaced: [], incomplete: 0 }
  }
  const members = new PaneMembership(run)
  return window.kind === 'session'
    ? revisedSessions(run, window, touched, closed, members)
    : revisedFixed(run, touched, closed, members)
}

async function revisedFixed(
  run: FinalView,
  touched: readonly TouchedPane[],
  closed: Micros,
  members: PaneMembership,
): Promise<Revision> {
  const { window: definition } = run.view
  if (definition.kind !== 'tumbling' && definition.kind !== 'sliding')
    throw new Error('unreachable')
  const wanted = new Map<string, { key: string; window: { start: Micros; end: Micros } }>()
  for (const { key, paneStart: start } of touched) {
    for (const window of windowsOfPane(definition, start)) {
      if (window.end <= closed) wanted.set(`${window.start}/${key}`, { key, window })
    }
  }
  const found = await inParallel([...wanted.values()], READS_AT_ONCE, async ({ key, window }) => {
    const last = window.end - 1
    // Members are read after the slots: a slot that came in between is there at the second look, one that expired is not.
    for (let look = 1; look <= 2; look++) {
      const slots = await run.slots.range(run.name, key, window.start, last, { consistent: true })
      const isWhole = await members.hasAll(key, window.start, last, slots)
      if (isWhole) return { key, window, slots }
    }
    return undefined
  })
  const windows = found.filter((one) => one !== undefined)
  const incomplete = found.length - windows.length
  const replaced = windows.map(({ key, window }) => {
    return { key, from: window.start, to: window.start + 1 }
  })
  return { windows, replaced, incomplete }
}

async function revisedSessions(
  run: FinalView,
  definition: SessionWindow,
  touched: readonly TouchedPane[],
  closed: Micros,
  members: PaneMembership,
): Promise<Revision> {
  const gap = definition.gapSeconds * MICROS_PER_SECOND
  const found = new Map<string, WindowSlots>()
  const sessions = await inParallel(touched, READS_AT_ONCE, ({ key, paneStart: start }) =>
    chainAround(run, definition, key, start),
  )
  for (const session of sessions) {
    if (session !== undefined) found.set(`${session.window.start}/${session.key}`, session)
  }
  const windows: WindowSlots[] = []
  const replaced: Revision['replaced'][number][] = []
  let incomplete = 0
  for (const session of found.values()) {
    const { key, window, slots } = session
    if (
      !(await members.hasAll(
        key,
        Math.max(MIN_TIME, window.start - 2 * gap),
        window.end,
        slots,
        window,
      ))
    ) {
      incomplete++
      continue
    }
    // Sessions that have grown together are one now; a session that goes on is open again until it ends.
    replaced.push({ key, from: window.start, to: window.end })
    if (sessionCloses(definition, window) <= closed) windows.push(session)
  }
  return { windows, replaced, incomplete }
}

/** Which slots a pane has had, each pane read once. */
class PaneMembership {
  readonly #run: FinalView
  readonly #known = new Map<Micros, Promise<ReadonlyMap<string, readonly string[]>>>()

  constructor(run: FinalView) {
    this.#run = run
  }

  /**
   * Whether every slot of the key in these panes is among the slots read. `within` leaves out slots that are there
   * but belong to a neighbouring session.
   */
  async hasAll(
    key: string,
    from: Micros,
    to: Micros,
    slots: readonly Slot[],
    within?: unknown,
  ): Promise<boolean> {
    const read = new Set(slots.map(({ paneStart: start, shard }) => `${start}/${shard}`))
    const missing: SlotKey[] = []
    for await (const pane of this.#run.slots.panes(this.#run.name, from, to)) {
      const shards = (await this.#of(pane)).get(key) ?? []
      const unread = shards.filter((shard) => !read.has(`${pane}/${shard}`))
      missing.push(...slotKeys(this.#run, key, pane, unread))
    }
    if (missing.length === 0) return true
    if (within === undefined) return false
    return (await this.#run.slots.read(missing)).length === missing.length
  }

  #of(pane: Micros): Promise<ReadonlyMap<string, readonly string[]>> {
    const known = this.#known.get(pane) ?? shardsByKey(this.#run, pane)
    this.#known.set(pane, known)
    return known
  }
}
