import { majorOf } from '#lib/domain/contract/version.ts'
import type { Journal } from '#lib/domain/ingest/journal.ts'
import { admittedOf } from '#lib/domain/ingest/major-starts.ts'
import { PlatformError } from '#lib/domain/kernel/errors.ts'
import type { Predecessor } from '#lib/domain/kernel/sequence-number.ts'
import type { Micros } from '#lib/domain/kernel/time.ts'
import { type FinalizeWindowsDependencies, finalizeWindows } from '../finalize-windows.ts'
import type { SlotStore } from '../slot-store.ts'
import { type UpdateWindowsDependencies, updateWindows } from '../update-windows.ts'
import { contractOfView, stateNameOf } from '../view.ts'
import { beginGeneration, type GenerationRequest } from './begin-generation.ts'
import type { SlotsOf } from './feed-generations.ts'
import { changeGenerations, type GenerationStore } from './generation-store.ts'
import type { Generation, GenerationScope, Generations } from './generations.ts'

export interface ReplayDependencies
  extends Omit<FinalizeWindowsDependencies, 'generation' | 'from' | 'slots'>,
    Pick<UpdateWindowsDependencies, 'objects' | 'clock'> {
  readonly generations: GenerationStore
  readonly slotsOf: SlotsOf
}

export interface ReplayRequest extends GenerationRequest {
  readonly onProgress?: (events: number, total: number) => void
  /** Asked between two rounds: whether to stop here. */
  readonly isStopped?: () => boolean
}

export interface ReplayReport {
  readonly generation: string
  readonly from: Micros | null
  readonly to: Micros
  /** Admitted events that this call went through. */
  readonly events: number
  readonly slotsWritten: number
  readonly late: number
  /** Rows of windows that became final. */
  readonly finalRows: number
  readonly elapsedMs: number
}

/** Entries of a shard per round: what one round costs if it has to be done again, and what one commit looks at. */
const ENTRIES_PER_ROUND = 1_000
/** Entries that share one write of a slot. Their partial states are in memory together. */
const ENTRIES_PER_WRITE = 100
const JOBS_AT_ONCE = 4

/**
 * Computes the product's views anew from all that the archive has decided, into a generation of its own: the very code
 * that the stream goes through, as a consumer that begins at the start of the journal. Slots and tables carry the
 * position that they include, so a replay that is broken off goes on where it was, and two at once add nothing twice.
 * Once it has reached the journal's head the deployed functions feed it like the others.
 *
 * Throws `replay.name`, `replay.range`, `replay.otherRange`, `replay.otherDefinition`, `replay.dropped`.
 */
export async function replay(
  deps: ReplayDependencies,
  request: ReplayRequest,
): Promise<ReplayReport> {
  const startedMs = deps.clock.nowMs()
  const { into } = request
  const generation = await beginGeneration(deps, request)
  const done = { events: 0, slotsWritten: 0, late: 0, finalRows: 0 }
  if (generation.state === 'replaying') await catchUp(deps, request, generation, done)
  return {
    generation: into,
    from: generation.from ?? null,
    to: generation.to!,
    ...done,
    elapsedMs: deps.clock.nowMs() - startedMs,
  }
}

async function catchUp(
  deps: ReplayDependencies,
  { into, onProgress, isStopped }: ReplayRequest,
  generation: Generation,
  done: { events: number; slotsWritten: number; late: number; finalRows: number },
): Promise<void> {
  const { from, views = [] } = generation
  const scope: GenerationScope = {
    generation: into,
    ...(from === undefined ? {} : { from }),
    views,
  }
  const slots = deps.slotsOf(scope)
  const total = onProgress === undefined ? 0 : await eventsAhead(deps, slots, scope)
  for (;;) {
    const round = await updateWindows(
      { ...deps, ...scope, slots, maxEntries: ENTRIES_PER_WRITE, jobsAtOnce: JOBS_AT_ONCE },
      { now: true, atMost: ENTRIES_PER_ROUND },
    )
    // With each round: what is closed now need not be looked at again when the next entries come.
    const finalized = await finalizeWindows({
      ...deps,
      ...scope,
      slots,
      maxEntriesPerShard: ENTRIES_PER_ROUND,
    })
    done.events += round.events
    done.slotsWritten += round.slotsWritten
    done.late += round.late
    done.finalRows += finalized.rows
    onProgress?.(done.events, Math.max(total, done.events))
    if (round.isComplete) break
    requireNotDropped((await deps.generations.load())?.generations, into)
    if (isStopped?.() === true) {
      throw new PlatformError(
        'replay.interrupted',
        `the replay into ${into} was stopped: repeat it, and it goes on where it was`,
      )
    }
  }
  // Only now: whoever feeds it with the stream must find nothing of the past left to do.
  await handOver(deps, into)
}

async function handOver(deps: ReplayDependencies, into: string): Promise<void> {
  await changeGenerations(deps.generations, (current) => {
    const known = requireNotDropped(current, into)
    if (known.state === 'following') return current!
    const caughtUp = { ...known, state: 'following' as const, caughtUpAtMs: deps.clock.nowMs() }
    return { ...current!, byName: { ...current!.byName, [into]: caughtUp } }
  })
}

function requireNotDropped(generations: Generations | undefined, name: string): Generation {
  const known = generations?.byName[name]
  if (known !== undefined && known.state !== 'dropped') return known
  throw new PlatformError('replay.dropped', `generation ${name} was dropped during the replay`)
}

/** How many events lie between the generation and the journal's heads. */
export async function eventsAhead(
  { journal, contracts }: Pick<ReplayDependencies, 'journal' | 'contracts'>,
  slots: SlotStore,
  { generation, views }: GenerationScope,
): Promise<number> {
  let most = 0
  for (const view of views) {
    const major = majorOf(contractOfView(view, contracts).version)
    let events = 0
    for (const { shard } of await journal.shards()) {
      const { position } = await slots.cursor(stateNameOf(view, generation), shard)
      for await (const entry of entriesFrom(journal, shard, position)) {
        events += admittedOf(entry, major)
      }
    }
    most = Math.max(most, events)
  }
  return most
}

async function* entriesFrom(journal: Journal, shard: string, from: Predecessor) {
  let fence = from
  for (;;) {
    const entries = await journal.entriesAfter(shard, fence, ENTRIES_PER_ROUND)
    yield* entries
    fence = entries.at(-1)?.last ?? fence
    if (entries.length < ENTRIES_PER_ROUND) return
  }
}
