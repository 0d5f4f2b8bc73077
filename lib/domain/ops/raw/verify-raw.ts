import type { Contract } from '#lib/domain/contract/contract.ts'
import type { Journal, JournalEntry } from '#lib/domain/ingest/journal.ts'
import type { ProductLayout } from '#lib/domain/ingest/layout.ts'
import type { ObjectStore } from '#lib/domain/kernel/object-store.ts'
import {
  isAfter,
  type Predecessor,
  type SequenceNumber,
  START,
} from '#lib/domain/kernel/sequence-number.ts'
import { DueObjects } from '../due-objects.ts'
import { allEntries, rawObjects } from '../record-objects.ts'
import { followChain, inOrder, linksByPrev, type RawGap, type RawLink } from './raw-chain.ts'

export interface VerifyRawDependencies {
  readonly objects: Pick<ObjectStore, 'get' | 'list'>
  readonly journal: Journal
  readonly layout: ProductLayout
  readonly retention: Pick<Contract['retention'], 'rawDays' | 'quarantineDays'>
  readonly nowMs: number
}

export interface VerifyRawOptions {
  /** Only objects of these dates, both included: `2026-01-31`. The date of an object is that of the batch before it. */
  readonly from?: string
  readonly to?: string
  readonly onProgress?: (objectsRead: number, total: number) => void
}

/** What a shard's raw was found to be. */
export interface VerifiedShard {
  readonly shard: string
  readonly objects: number
  readonly events: number
  /** The position behind which the chain begins; absent if there is no object. */
  readonly after?: Predecessor
  /** The last position that it holds. */
  readonly upTo?: SequenceNumber
  /** Raw objects that no journal entry names. */
  readonly withoutEntry: number
  readonly gaps: readonly RawGap[]
}

export interface RawVerification {
  readonly complete: boolean
  readonly objects: number
  readonly events: number
  readonly firstGap?: RawGap
  readonly shards: readonly VerifiedShard[]
}

/**
 * Reads every raw object of a product and proves that none is missing: each shard's objects follow one another from
 * the first, or from what retention has left, and reach at least as far as the journal; and each journal entry tells
 * the same as its object. What is still in the stream only is not raw yet: that is what `reconcile` looks at.
 */
export async function verifyRaw(
  deps: VerifyRawDependencies,
  options: VerifyRawOptions = {},
): Promise<RawVerification> {
  const { journal, objects, layout } = deps
  // The journal first: what it names is in raw by then.
  const entries = new Map<string, readonly JournalEntry[]>()
  for (const { shard } of await journal.shards()) {
    entries.set(shard, await allEntries(journal, shard))
  }
  const found = await rawObjects(objects, layout)
  const chosen = new Map(
    [...found].map(([shard, uris]) => [shard, [...uris].filter((uri) => isWithin(uri, options))]),
  )
  const total = [...chosen.values()].reduce((sum, uris) => sum + uris.length, 0)
  let read = 0
  const shards: VerifiedShard[] = []
  for (const shard of [...new Set([...found.keys(), ...entries.keys()])].sort()) {
    const of = { shard, uris: chosen.get(shard) ?? [], entries: entries.get(shard) ?? [] }
    shards.push(await verifyShard(deps, options, of, () => options.onProgress?.(++read, total)))
  }
  const gaps = shards.flatMap((one) => one.gaps)
  return {
    complete: gaps.length === 0,
    objects: shards.reduce((sum, one) => sum + one.objects, 0),
    events: shards.reduce((sum, one) => sum + one.events, 0),
    ...(gaps[0] === undefined ? {} : { firstGap: gaps[0] }),
    shards,
  }
}

interface ShardRecords {
  readonly shard: string
  readonly uris: readonly string[]
  readonly entries: readonly JournalEntry[]
}

async function verifyShard(
  deps: VerifyRawDependencies,
  options: VerifyRawOptions,
  { shard, uris, entries }: ShardRecords,
  onRead: () => void,
): Promise<VerifiedShard> {
  const gaps: RawGap[] = [...gapAtTheStart(deps, options, shard, uris)]
  const entryAt = new Map(entries.map((entry) => [entry.last, entry]))
  const named = new Set(entries.map((entry) => entry.rawUri))
  let [objects, events, withoutEntry] = [0, 0, 0]
  let [after, upTo]: [Predecessor | undefined, SequenceNumber | undefined] = [undefined, undefined]
  for await (const step of followChain(deps.objects, shard, uris)) {
    onRead()
    if (step.kind === 'gap') gaps.push(step.gap)
    else {
      const { link } = step
      after ??= link.prev
      upTo = link.last
      objects++
      events += link.batch.events.length
      if (!named.has(link.uri)) withoutEntry++
      const different = difference(link, entryAt.get(link.last))
      if (different !== undefined) {
        gaps.push({ shard, after: link.prev, before: link.last, reason: different })
      }
    }
  }
  gaps.push(...gapAtTheEnd(deps, options, shard, entries, upTo))
  return {
    shard,
    objects,
    events,
    ...(after === undefined ? {} : { after }),
    ...(upTo === undefined ? {} : { upTo }),
    withoutEntry,
    gaps,
  }
}

/**
 * An object is dated by the last arrival of the one before it, which was written on that date or later: while the
 * date is within retention, the one before it must be there.
 */
function* gapAtTheStart(
  { retention, nowMs }: VerifyRawDependencies,
  { from }: VerifyRawOptions,
  shard: string,
  uris: readonly string[],
): Generator<RawGap> {
  const { byPrev } = linksByPrev(shard, uris)
  const [first] = inOrder(byPrev.keys())
  if (from !== undefined || first === undefined || first === START) return
  const [uri] = byPrev.get(first)!
  if (new DueObjects(retention, nowMs).isRawDue(uri!)) return
  yield {
    shard,
    after: START,
    before: first,
    reason: `${uri} is the first raw object, and what it follows has not expired`,
  }
}

/** What the journal has handed over is in raw, unless it has expired. */
function* gapAtTheEnd(
  { retention, nowMs }: VerifyRawDependencies,
  options: VerifyRawOptions,
  shard: string,
  entries: readonly JournalEntry[],
  upTo: SequenceNumber | undefined,
): Generator<RawGap> {
  const due = new DueObjects(retention, nowMs)
  const last = entries.findLast(({ rawUri }) => isWithin(rawUri, options) && !due.isRawDue(rawUri))
  if (last === undefined || (upTo !== undefined && !isAfter(last.last, upTo))) return
  yield {
    shard,
    after: upTo ?? START,
    before: last.last,
    reason: `the journal names ${last.rawUri}, which is not there`,
  }
}

/** How an entry and its object differ; undefined if they do not, or if there is no entry. */
function difference(link: RawLink, entry: JournalEntry | undefined): string | undefined {
  if (entry === undefined) return undefined
  const received = link.batch.events.length
  const pairs: readonly (readonly [string, unknown, unknown])[] = [
    ['object', entry.rawUri, link.uri],
    ['predecessor', entry.prev, link.prev],
    ['first position', entry.first, link.first],
    ['contract version', entry.contractVersion, link.batch.contractVersion],
    ['number of events', entry.counts.received, received],
  ]
  const wrong = pairs.find(([, journal, raw]) => journal !== raw)
  if (wrong === undefined) return undefined
  const [what, journal, raw] = wrong
  return `the ${what} of the entry up to ${entry.last} is ${journal}, in raw it is ${raw}`
}

function isWithin(uri: string, { from, to }: VerifyRawOptions): boolean {
  const date = /\/date=(\d{4}-\d{2}-\d{2})\//.exec(uri)?.[1]
  if (date === undefined) return true
  return (from === undefined || date >= from) && (to === undefined || date <= to)
}
