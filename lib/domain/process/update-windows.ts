import type { Contract } from '#lib/domain/contract/contract.ts'
import type { ContractVersions } from '#lib/domain/contract/contract-versions.ts'
import { majorOf } from '#lib/domain/contract/version.ts'
import type { Journal, JournalEntry, ShardRegistration } from '#lib/domain/ingest/journal.ts'
import type { ProductLayout } from '#lib/domain/ingest/layout.ts'
import { admittedOf } from '#lib/domain/ingest/major-starts.ts'
import type { Clock } from '#lib/domain/kernel/clock.ts'
import { PlatformError } from '#lib/domain/kernel/errors.ts'
import { inParallel } from '#lib/domain/kernel/in-parallel.ts'
import type { ObjectStore } from '#lib/domain/kernel/object-store.ts'
import type { Micros } from '#lib/domain/kernel/time.ts'
import { aggregateOf } from './aggregates/aggregate-of.ts'
import { encodeLateRows, lateUri } from './late-rows.ts'
import { latenessOf } from './lateness.ts'
import { type EntryReading, readEntry } from './read-entry.ts'
import type { Slot, SlotKey, SlotStore, SlotWrite } from './slot-store.ts'
import { type SlotsOfShard, TouchedSlots } from './touched-slots.ts'
import { contractOfView, definitionHash, stateNameOf, type ViewDefinition } from './view.ts'
import { liesBefore } from './whole-windows.ts'

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
  /** Panes that start before this are left out. @default all are kept */
  readonly from?: Micros
  /** Shards and views that are brought up side by side: each has some entries in memory. @default 4 */
  readonly jobsAtOnce?: number
}

export interface UpdateOptions {
  /** Apply what is there, also for views whose events may gather longer. */
  readonly now?: boolean
  /** Entries of one shard that this call applies to a view, at most. @default all */
  readonly atMost?: number
}

export interface UpdateReport {
  readonly entries: number
  readonly slotsWritten: number
  /** Rows that came too late for a view. */
  readonly late: number
  /** Admitted events of these entries; of the view that got the most, where there are several. */
  readonly events: number
  /** Whether nothing that was there is left: false if `atMost` was reached. */
  readonly isComplete: boolean
}

const MAX_ENTRIES = 20
const JOBS_AT_ONCE = 4
/** What the sweep rings by: who waits for it waits that long at most. */
const SWEEP_MS = 60_000

/**
 * Brings every view's slots up to the journal. Slots are absolute and carry the position they include, so a
 * repeat, a zombie or two invocations at once add nothing twice.
 */
export async function updateWindows(
  deps: UpdateWindowsDependencies,
  options: UpdateOptions = {},
): Promise<UpdateReport> {
  const failures: unknown[] = []
  const jobs = (await deps.journal.shards()).flatMap((registration) =>
    deps.views.map((view) => ({ registration, view })),
  )
  // Side by side: they share no slot, and one after another the last of many shards would wait for all the others.
  const events = new Map<ViewDefinition, number>()
  const atOnce = deps.jobsAtOnce ?? JOBS_AT_ONCE
  const reports = await inParallel(jobs, atOnce, async ({ registration, view }) => {
    try {
      const done = await updateView(viewIn(deps, view), registration, options)
      events.set(view, (events.get(view) ?? 0) + done.events)
      return done
    } catch (error) {
      // What is wrong with one shard must not stop the others; it is raised when they are done.
      failures.push(error)
      return NOTHING_DONE
    }
  })
  if (failures.length > 0) throw failures[0]
  return { ...reports.reduce(sumOf, NOTHING_DONE), events: Math.max(0, ...events.values()) }
}

export const NOTHING_DONE: UpdateReport = {
  entries: 0,
  slotsWritten: 0,
  late: 0,
  events: 0,
  isComplete: true,
}

/** Two reports as one. */
export function sumOf(a: UpdateReport, b: UpdateReport): UpdateReport {
  return {
    entries: a.entries + b.entries,
    slotsWritten: a.slotsWritten + b.slotsWritten,
    late: a.late + b.late,
    events: a.events + b.events,
    isComplete: a.isComplete && b.isComplete,
  }
}

/** A view with everything that is the same for all its slots. */
interface ViewRun extends UpdateWindowsDependencies {
  readonly view: ViewDefinition
  readonly contract: Contract
  readonly name: string
  readonly definition: string
  readonly algebras: SlotsOfShard['algebras']
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
  const most = options.atMost ?? Number.POSITIVE_INFINITY
  let done = NOTHING_DONE
  const cursor = await slots.cursor(name, shard)
  refuseRedefined(run, cursor.definition)
  let fence = cursor.position
  for (;;) {
    const limit = Math.min(run.maxEntries ?? MAX_ENTRIES, most - done.entries)
    if (limit <= 0) return { ...done, isComplete: false }
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
    done = sumOf(done, { ...applied, entries: entries.length, isComplete: true })
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

/** Adds the entries to all slots that they touch, and writes down what came too late for them. */
async function applyEntries(
  run: ViewRun,
  shard: string,
  entries: readonly JournalEntry[],
): Promise<Pick<UpdateReport, 'slotsWritten' | 'late' | 'events'>> {
  const touched = new TouchedSlots({ ...run, shard })
  let late = 0
  let events = 0
  for (const entry of entries) {
    events += admittedOf(entry, majorOf(run.contract.version))
    const reading = await addEntry(run, touched, entry)
    if (reading === undefined || reading.late.length === 0) continue
    const encoded = encodeLateRows(run, entry, reading.late)
    late += encoded.rows
    // One object per view and entry, under a key of the position: a repeat writes the same rows over themselves.
    await run.objects.put(lateUri(run.layout, run.name, entry, run.generation), encoded.bytes)
  }
  const { written, inPart } = await writeSlots(run, touched)
  const slotsWritten = inPart ? written + (await applyEach(run, shard, entries)) : written
  return { slotsWritten, late, events }
}

/**
 * Adds the entries one after another. Slots that have some of them, from an invocation that took others together and then
 * died or still goes on, stand between two entries, never within one: of a single one each slot has all or nothing.
 */
async function applyEach(
  run: ViewRun,
  shard: string,
  entries: readonly JournalEntry[],
): Promise<number> {
  let slotsWritten = 0
  for (const entry of entries) {
    const touched = new TouchedSlots({ ...run, shard })
    await addEntry(run, touched, entry)
    slotsWritten += (await writeSlots(run, touched)).written
  }
  return slotsWritten
}

async function addEntry(
  run: ViewRun,
  touched: TouchedSlots,
  entry: JournalEntry,
): Promise<EntryReading | undefined> {
  if (liesBefore(run.from, entry)) return undefined
  const reading = await readEntry(run, run.view, run.contract, entry)
  for (const { batch, leftOut } of reading.batches) touched.add(entry.last, batch, leftOut)
  return reading
}

/** What adding to slots takes of a view's run. */
export type SlotRun = Pick<ViewRun, 'slots' | 'clock' | 'becomesFinal'>

/** What became of touched slots. */
export interface WrittenSlots {
  readonly written: number
  /** Whether there are slots that have some of what is to be added: these were left as they are. */
  readonly inPart: boolean
}

/** Adds to slots what touches them, whoever else writes meanwhile. */
export async function writeSlots(run: SlotRun, touched: TouchedSlots): Promise<WrittenSlots> {
  let pending = Array.from({ length: touched.count }, (_, slot) => slot)
  let written = 0
  let inPart = false
  while (pending.length > 0) {
    const stored = storedOf(touched, pending, await run.slots.read(keysOf(touched, pending)))
    // Before the slots: whoever closes the pane must find all of them, also after we die in between.
    if (run.becomesFinal) {
      const absent = pending.filter((_, at) => stored[at] === undefined)
      await addMembers(run, touched, absent)
    }
    const writes: SlotWrite[] = []
    const writing: number[] = []
    const nowMs = run.clock.nowMs()
    for (let at = 0; at < pending.length; at++) {
      const slot = pending[at]!
      const coverage = touched.coverage(slot, stored[at])
      if (coverage === 'part') inPart = true
      if (coverage !== 'none') continue
      const next = touched.withAdditions(slot, stored[at], nowMs)
      writes.push({ slot: next, sequenceRead: stored[at]?.sequence })
      writing.push(slot)
    }
    const outcomes = await run.slots.writeAll(writes)
    // Lost: another invocation wrote since we read. It is read again, and what it covers is left out.
    pending = writing.filter((_, at) => outcomes[at] === false)
    written += writing.length - pending.length
  }
  return { written, inPart }
}

function keysOf(touched: TouchedSlots, slots: readonly number[]): readonly SlotKey[] {
  return slots.map((slot) => touched.slotKey(slot))
}

/** What is stored of each touched slot. */
function storedOf(
  touched: TouchedSlots,
  slots: readonly number[],
  found: readonly Slot[],
): readonly (Slot | undefined)[] {
  const panes = new Map<number, Map<string, Slot>>()
  for (const slot of found) {
    const pane = panes.get(slot.paneStart)
    if (pane === undefined) panes.set(slot.paneStart, new Map([[slot.key, slot]]))
    else pane.set(slot.key, slot)
  }
  return slots.map((slot) => panes.get(touched.paneStartOf(slot))?.get(touched.keyOf(slot)))
}

async function addMembers(
  { slots }: SlotRun,
  touched: TouchedSlots,
  absent: readonly number[],
): Promise<void> {
  if (absent.length === 0) return
  const panes = new Map<number, string[]>()
  for (const slot of absent) {
    const start = touched.paneStartOf(slot)
    const keys = panes.get(start)
    if (keys === undefined) panes.set(start, [touched.keyOf(slot)])
    else keys.push(touched.keyOf(slot))
  }
  const { view, shard } = touched.slotKey(absent[0]!)
  await slots.addMembers(view, shard, panes)
}
