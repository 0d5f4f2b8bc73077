import type { Contract } from '#lib/domain/contract/contract.ts'
import type { ContractVersions } from '#lib/domain/contract/contract-versions.ts'
import type { Journal, JournalEntry, ShardRegistration } from '#lib/domain/ingest/journal.ts'
import type { ProductLayout } from '#lib/domain/ingest/layout.ts'
import type { Clock } from '#lib/domain/kernel/clock.ts'
import { PlatformError } from '#lib/domain/kernel/errors.ts'
import { inParallel } from '#lib/domain/kernel/in-parallel.ts'
import type { ObjectStore } from '#lib/domain/kernel/object-store.ts'
import { isAfter, type SequenceNumber, START } from '#lib/domain/kernel/sequence-number.ts'
import type { Aggregate } from './aggregates/aggregate.ts'
import { aggregateOf } from './aggregates/aggregate-of.ts'
import { encodeLateRows, lateUri } from './late-rows.ts'
import { latenessOf } from './lateness.ts'
import { type PanePartial, readEntry } from './read-entry.ts'
import type { Slot, SlotKey, SlotStore } from './slot-store.ts'
import { contractOfView, definitionHash, stateNameOf, type ViewDefinition } from './view.ts'

export interface UpdateWindowsDependencies {
  readonly contracts: ContractVersions
  readonly views: readonly ViewDefinition[]
  readonly journal: Journal
  readonly objects: ObjectStore
  readonly slots: SlotStore
  readonly clock: Clock
  readonly layout: ProductLayout
  /** Entries of one shard that are applied together: one slot write for all of them. */
  readonly maxEntries?: number
  /** Another set of states beside the first, such as a replay fills. */
  readonly generation?: string
}

export interface UpdateOptions {
  /** Apply what is there, also for views whose events may gather longer. */
  readonly now?: boolean
}

export interface UpdateReport {
  readonly entries: number
  readonly slotsWritten: number
  /** Rows that came too late for a view. */
  readonly late: number
}

const MAX_ENTRIES = 20
/** What the sweep rings by: who waits for it waits that long at most. */
const SWEEP_MS = 60_000
const WRITES_AT_ONCE = 16

/**
 * Brings every view's slots up to the journal. Slots are absolute and carry the position they include, so a
 * repeat, a zombie or two invocations at once add nothing twice.
 */
export async function updateWindows(
  deps: UpdateWindowsDependencies,
  options: UpdateOptions = {},
): Promise<UpdateReport> {
  const report = { entries: 0, slotsWritten: 0, late: 0 }
  const failures: unknown[] = []
  const jobs = (await deps.journal.shards()).flatMap((registration) =>
    deps.views.map((view) => ({ registration, view })),
  )
  for (const { registration, view } of jobs) {
    try {
      const done = await updateView(viewIn(deps, view), registration, options)
      report.entries += done.entries
      report.slotsWritten += done.slotsWritten
      report.late += done.late
    } catch (error) {
      // What is wrong with one shard must not stop the others; it is raised when they are done.
      failures.push(error)
    }
  }
  if (failures.length > 0) throw failures[0]
  return report
}

/** A view with everything that is the same for all its slots. */
interface ViewRun extends UpdateWindowsDependencies {
  readonly view: ViewDefinition
  readonly contract: Contract
  readonly name: string
  readonly definition: string
  readonly algebras: readonly (readonly [string, Aggregate<unknown>])[]
  /** Whether its windows become final one day: only then somebody has to find the keys of a pane. */
  readonly becomesFinal: boolean
}

function viewIn(deps: UpdateWindowsDependencies, view: ViewDefinition): ViewRun {
  const contract = contractOfView(view, deps.contracts)
  return {
    ...deps,
    view,
    contract,
    name: stateNameOf(view, deps.generation),
    definition: definitionHash(view, contract),
    algebras: view.aggregates.map((one) => [one.name, aggregateOf(one, contract)]),
    becomesFinal: view.window.kind !== 'running' && latenessOf(contract) !== undefined,
  }
}

async function updateView(
  run: ViewRun,
  { shard }: ShardRegistration,
  options: UpdateOptions,
): Promise<UpdateReport> {
  const { journal, slots, name, definition } = run
  const limit = run.maxEntries ?? MAX_ENTRIES
  const done = { entries: 0, slotsWritten: 0, late: 0 }
  const cursor = await slots.cursor(name, shard)
  refuseRedefined(run, cursor.definition)
  let fence = cursor.position
  for (;;) {
    const entries = await journal.entriesAfter(shard, fence, limit)
    const last = entries.at(-1)
    if (last === undefined) return done
    assertChain(shard, fence, entries)
    if (entries.length < limit && options.now !== true && mayGather(run, entries[0]!)) return done
    const applied = await applyEntries(run, shard, entries)
    // Only now: a cursor that led its slots would skip them for ever if we died in between.
    await slots.advanceCursor(name, shard, {
      position: last.last,
      definition,
      ...(last.maxEventTimeAfter === undefined ? {} : { maxEventTime: last.maxEventTimeAfter }),
    })
    fence = last.last
    done.entries += entries.length
    done.slotsWritten += applied.slotsWritten
    done.late += applied.late
  }
}

function refuseRedefined({ view, definition }: ViewRun, before: string | undefined): void {
  if (before === undefined || before === definition) return
  const next = (view.version ?? 1) + 1
  throw new PlatformError(
    'view.redefined',
    `view "${view.name}" means something else than the states that are stored for it: write "version: ${next}", and it starts anew beside them`,
  )
}

/** Whether the view's events may wait for others, so that one slot write adds them all. */
function mayGather({ view, clock }: ViewRun, oldest: JournalEntry): boolean {
  const waitMs = (view.updateSeconds ?? 0) * 1000
  // The next bell may be the sweep: what would be overdue by then is not left to it.
  return waitMs > SWEEP_MS && clock.nowMs() - oldest.arrival.min / 1000 < waitMs - SWEEP_MS
}

function assertChain(shard: string, cursor: string, entries: readonly JournalEntry[]): void {
  let fence = cursor
  for (const entry of entries) {
    if (entry.prev !== fence) {
      throw new PlatformError(
        'journal.gap',
        `shard ${shard}: the entry after ${fence} starts at ${entry.prev}: an entry is missing`,
        { context: { shard, fence, prev: entry.prev } },
      )
    }
    fence = entry.last
  }
}

interface Addition extends Pick<PanePartial, 'states' | 'eventTime'> {
  readonly sequence: SequenceNumber
}

interface Touched {
  readonly key: SlotKey
  readonly additions: Addition[]
}

/** Adds the entries to all slots that they touch, and writes down what came too late for them. */
async function applyEntries(
  run: ViewRun,
  shard: string,
  entries: readonly JournalEntry[],
): Promise<{ slotsWritten: number; late: number }> {
  const touched = new Map<string, Touched>()
  let late = 0
  for (const entry of entries) {
    const reading = await readEntry(run, run.view, run.contract, entry)
    for (const { key, paneStart, states, eventTime } of reading.partials) {
      const slotKey = { view: run.name, key, paneStart, shard }
      const slot = touched.get(idOf(slotKey)) ?? { key: slotKey, additions: [] }
      slot.additions.push({ sequence: entry.last, states, eventTime })
      touched.set(idOf(slotKey), slot)
    }
    if (reading.late.length > 0) {
      const encoded = encodeLateRows(run, entry, reading.late)
      late += encoded.rows
      // One object per view and entry, under a key of the position: a repeat writes the same rows over themselves.
      await run.objects.put(lateUri(run.layout, run.name, entry, run.generation), encoded.bytes)
    }
  }
  return { slotsWritten: await writeSlots(run, shard, [...touched.values()]), late }
}

async function writeSlots(
  run: ViewRun,
  shard: string,
  wanted: readonly Touched[],
): Promise<number> {
  let pending = wanted
  let written = 0
  while (pending.length > 0) {
    const known = await run.slots.read(pending.map((one) => one.key))
    const slotOf = new Map(known.map((slot) => [idOf(slot), slot]))
    const absent = pending.filter((one) => !slotOf.has(idOf(one.key)))
    // Before the slots: whoever closes the pane must find all of them, also after we die in between.
    if (run.becomesFinal && absent.length > 0) {
      await run.slots.addMembers(run.name, shard, keysByPane(absent))
    }
    const outcomes = await inParallel(pending, WRITES_AT_ONCE, async (one) => {
      const slot = slotOf.get(idOf(one.key))
      const next = merged(run, one, slot)
      if (next === undefined) return 'covered'
      return (await run.slots.write(next, slot?.sequence)) ? 'written' : 'lost'
    })
    written += outcomes.filter((outcome) => outcome === 'written').length
    // Lost: another invocation wrote since we read. It is read again, and what it covers is left out.
    pending = pending.filter((_, i) => outcomes[i] === 'lost')
  }
  return written
}

function keysByPane(slots: readonly Touched[]): ReadonlyMap<number, readonly string[]> {
  const panes = new Map<number, string[]>()
  for (const { key } of slots) {
    const keys = panes.get(key.paneStart)
    if (keys === undefined) panes.set(key.paneStart, [key.key])
    else keys.push(key.key)
  }
  return panes
}

/** The slot with everything after its own position added; undefined if it covers all of it already. */
function merged(
  run: ViewRun,
  { key, additions }: Touched,
  slot: Slot | undefined,
): Slot | undefined {
  const fresh = additions.filter((one) => isAfter(one.sequence, slot?.sequence ?? START))
  const last = fresh.at(-1)
  if (last === undefined) return undefined
  const times = slot === undefined ? fresh : [slot, ...fresh]
  return {
    ...key,
    states: Object.fromEntries(
      run.algebras.map(([name, algebra]) => {
        const before = slot?.states[name]
        const start = before === undefined ? algebra.create() : algebra.fromStored(before)
        const state = fresh.reduce((sum, one) => algebra.merge(sum, one.states[name]), start)
        return [name, algebra.toStored(state)]
      }),
    ),
    eventTime: {
      min: Math.min(...times.map(({ eventTime }) => eventTime.min)),
      max: Math.max(...times.map(({ eventTime }) => eventTime.max)),
    },
    sequence: last.sequence,
    computedAtMs: run.clock.nowMs(),
  }
}

function idOf({ paneStart, key }: SlotKey): string {
  return `${paneStart}/${key}`
}
