import type { Contract } from '#lib/domain/contract/contract.ts'
import type { ContractVersions } from '#lib/domain/contract/contract-versions.ts'
import { majorOf } from '#lib/domain/contract/version.ts'
import type { Journal, JournalEntry } from '#lib/domain/ingest/journal.ts'
import { admittedOf } from '#lib/domain/ingest/major-starts.ts'
import { decodeVerdicts } from '#lib/domain/ingest/verdicts-object.ts'
import type { Clock } from '#lib/domain/kernel/clock.ts'
import { PlatformError } from '#lib/domain/kernel/errors.ts'
import { inParallel } from '#lib/domain/kernel/in-parallel.ts'
import type { ObjectStore } from '#lib/domain/kernel/object-store.ts'
import { isAfter, START } from '#lib/domain/kernel/sequence-number.ts'
import { aggregateOf } from './aggregates/aggregate-of.ts'
import { type PartialAggregates, partialAggregates } from './partial-aggregates.ts'
import type { Slot, SlotKey, SlotStore } from './slot-store.ts'
import { contractOfView, type ViewDefinition } from './view.ts'

export interface UpdateWindowsDependencies {
  readonly contracts: ContractVersions
  readonly views: readonly ViewDefinition[]
  readonly journal: Journal
  readonly objects: ObjectStore
  readonly slots: SlotStore
  readonly clock: Clock
  /** Entries of one shard that are applied together: one slot write for all of them. */
  readonly maxEntries?: number
}

export interface UpdateReport {
  readonly entries: number
  readonly slotsWritten: number
}

/**
 * Brings every view's slots up to the journal. Slots are absolute and carry the position they include, so a
 * repeat, a zombie or two invocations at once add nothing twice.
 */
export async function updateWindows(deps: UpdateWindowsDependencies): Promise<UpdateReport> {
  const report = { entries: 0, slotsWritten: 0 }
  const failures: unknown[] = []
  for (const { shard } of await deps.journal.shards()) {
    for (const view of deps.views) {
      try {
        const done = await updateView(deps, view, shard)
        report.entries += done.entries
        report.slotsWritten += done.slotsWritten
      } catch (error) {
        // What is wrong with one shard must not stop the others; it is raised when they are done.
        failures.push(error)
      }
    }
  }
  if (failures.length > 0) throw failures[0]
  return report
}

async function updateView(deps: UpdateWindowsDependencies, view: ViewDefinition, shard: string) {
  const limit = deps.maxEntries ?? 20
  const done = { entries: 0, slotsWritten: 0 }
  let cursor = await deps.slots.cursor(view.name, shard)
  for (;;) {
    const entries = await deps.journal.entriesAfter(shard, cursor, limit)
    const last = entries.at(-1)
    if (last === undefined) return done
    assertChain(shard, cursor, entries)
    done.slotsWritten += await applyEntries(deps, view, shard, entries)
    // Only now: a cursor that led its slots would skip them for ever if we died in between.
    await deps.slots.advanceCursor(view.name, shard, last.last)
    cursor = last.last
    done.entries += entries.length
  }
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

/** Adds the entries to all slots that they touch; returns how many slots were written. */
async function applyEntries(
  deps: UpdateWindowsDependencies,
  view: ViewDefinition,
  shard: string,
  entries: readonly JournalEntry[],
): Promise<number> {
  const contract = contractOfView(view, deps.contracts)
  const major = majorOf(contract.version)
  const touched = new Map<string, { key: SlotKey; additions: Addition[] }>()
  for (const entry of entries) {
    if (entry.verdictsUri === undefined || admittedOf(entry, major) === 0) continue
    const verdicts = decodeVerdicts(entry.verdictsUri, await deps.objects.get(entry.verdictsUri))
    const files = verdicts.files.filter(
      (file) => majorOf(file.contractVersion ?? entry.contractVersion) === major,
    )
    const partialsOf = await inParallel(files, READS_AT_ONCE, async (file) =>
      partialAggregates(view, contract, await deps.objects.get(file.path)),
    )
    for (const partials of partialsOf) {
      for (const partial of partials) {
        const key = { view: view.name, key: partial.key, windowStart: partial.windowStart, shard }
        const id = `${key.windowStart}/${key.key}`
        const slot = touched.get(id) ?? { key, additions: [] }
        slot.additions.push({ sequence: entry.last, states: partial.states })
        touched.set(id, slot)
      }
    }
  }
  return writeSlots(deps, contract, view, [...touched.values()])
}

const WRITES_AT_ONCE = 16
const READS_AT_ONCE = 16

interface Addition {
  readonly sequence: JournalEntry['last']
  readonly states: PartialAggregates['states']
}

async function writeSlots(
  deps: UpdateWindowsDependencies,
  contract: Contract,
  view: ViewDefinition,
  wanted: readonly { key: SlotKey; additions: readonly Addition[] }[],
): Promise<number> {
  let pending = wanted
  let written = 0
  while (pending.length > 0) {
    const known = await deps.slots.read(pending.map((one) => one.key))
    const slotOf = new Map(known.map((slot) => [`${slot.windowStart}/${slot.key}`, slot]))
    const outcomes = await inParallel(pending, WRITES_AT_ONCE, async (one) => {
      const slot = slotOf.get(`${one.key.windowStart}/${one.key.key}`)
      const next = merged(deps, contract, view, one.key, one.additions, slot)
      if (next === undefined) return 'covered'
      return (await deps.slots.write(next, slot?.sequence)) ? 'written' : 'lost'
    })
    written += outcomes.filter((outcome) => outcome === 'written').length
    // Lost: another invocation wrote since we read. It is read again, and what it covers is left out.
    pending = pending.filter((_, i) => outcomes[i] === 'lost')
  }
  return written
}

/** The slot with everything after its own position added; undefined if it covers all of it already. */
function merged(
  deps: UpdateWindowsDependencies,
  contract: Contract,
  view: ViewDefinition,
  key: SlotKey,
  additions: readonly Addition[],
  slot: Slot | undefined,
): Slot | undefined {
  const fresh = additions.filter((one) => isAfter(one.sequence, slot?.sequence ?? START))
  const last = fresh.at(-1)
  if (last === undefined) return undefined
  const states: Record<string, unknown> = {}
  for (const definition of view.aggregates) {
    const algebra = aggregateOf(definition, contract)
    const stored = slot?.states[definition.name]
    const after = fresh.reduce(
      (state, one) => algebra.merge(state, one.states[definition.name]),
      stored === undefined ? algebra.create() : algebra.fromStored(stored),
    )
    states[definition.name] = algebra.toStored(after)
  }
  return { ...key, states, sequence: last.sequence, computedAtMs: deps.clock.nowMs() }
}
