import type { Contract } from '#lib/domain/contract/contract.ts'
import type { Journal, JournalEntry } from '#lib/domain/ingest/journal.ts'
import type { ProductLayout } from '#lib/domain/ingest/layout.ts'
import { unpackRecord } from '#lib/domain/ingest/wire.ts'
import type { ObjectStore } from '#lib/domain/kernel/object-store.ts'
import {
  isAfter,
  type Predecessor,
  type SequenceNumber,
  START,
} from '#lib/domain/kernel/sequence-number.ts'
import type { Fences } from '#lib/domain/lake/fences.ts'
import { chainProblems } from './check-chain.ts'
import { type CountedShard, countedShard, sumOf } from './counted-shard.ts'
import { DueObjects } from './due-objects.ts'
import type { ShardEvidence } from './reconcile.ts'
import { allEntries, quarantineObjects, rawObjects } from './record-objects.ts'
import {
  type CountBounds,
  countSql,
  type StoredCounts,
  storedCounts,
  summedCounts,
} from './store-counts.ts'
import type { StreamReader } from './stream-reader.ts'

/** The stores that a product is counted in. */
export interface EvidenceSources {
  readonly stream: StreamReader
  readonly journal: Journal
  readonly objects: ObjectStore
  readonly layout: ProductLayout
  readonly retention: Pick<Contract['retention'], 'rawDays' | 'quarantineDays'>
  /** The curated tables that have rows, each as the snapshot left it whose fences are counted up to. */
  readonly tables: readonly CountedVersion[]
  readonly nowMs: number
  /** Runs SQL over the cell's tables; rows in the order of the columns. */
  readonly query: (sql: string) => Promise<readonly (readonly unknown[])[]>
  readonly onProgress?: (eventsRead: number, total: number) => void
}

export interface CountedVersion {
  readonly name: string
  readonly snapshotId: bigint
}

const NOTHING: StoredCounts = { upToCut: 0, positions: 0, beforeHorizon: 0, afterCut: 0 }

/**
 * Counts a product's events in every store at the same positions: up to the table's fence of each shard, in the snapshot
 * that set it. So the numbers belong together, whatever happens while they are counted.
 */
export async function gatherEvidence(
  sources: EvidenceSources,
  fences: Fences,
): Promise<readonly ShardEvidence[]> {
  const { stream, journal, objects, layout } = sources
  const due = new DueObjects(sources.retention, sources.nowMs)
  const [held, registered] = await Promise.all([stream.shards(), journal.shards()])
  const names = [...held, ...registered.map((one) => one.shard), ...Object.keys(fences)]
  const entries = new Map<string, readonly JournalEntry[]>()
  for (const shard of new Set(names)) {
    entries.set(shard, await allEntries(journal, shard))
  }
  // The objects after the entries that name them.
  const rawUris = await rawObjects(objects, layout)
  const quarantineUris = await quarantineObjects(objects, layout)
  const shards: CountedShard[] = []
  for (const shard of new Set([...names, ...rawUris.keys()])) {
    shards.push(
      await countedShard(objects, due, {
        shard,
        cut: fences[shard] ?? START,
        entries: entries.get(shard) ?? [],
        rawUris: rawUris.get(shard) ?? new Set(),
      }),
    )
  }
  const streamCounts = await countStream(sources, held, shards)
  const orphans = withoutNamed(quarantineUris, [...entries.values()].flat())
  const stored = await countTables(sources, shards, streamCounts, orphans)
  const known = new Map(shards.map((one) => [one.shard, one]))
  const all = new Set([...known.keys(), ...stored.raw.keys(), ...stored.curated.keys()])
  return [...all].sort().map((shard) => {
    const counted = known.get(shard) ?? strangeShard(shard)
    const { cut, upToCut } = counted
    const raw = stored.raw.get(shard) ?? NOTHING
    const curated = stored.curated.get(shard) ?? NOTHING
    const quarantined = stored.quarantined.get(shard) ?? NOTHING
    const inStream = streamCounts.get(shard)
    const inFlight = counted.waiting + (inStream?.pastKnown ?? 0)
    const isBetween = sources.tables.length > 1 && inFlight > 0
    return {
      shard,
      cut,
      inStream: inStream?.upToCut ?? 0,
      rawBeforeStream: raw.beforeHorizon,
      expired: counted.expired,
      raw: raw.upToCut,
      rawPositions: raw.positions,
      decided: sumOf(upToCut),
      curated: curated.upToCut,
      curatedPositions: curated.positions,
      quarantined: quarantined.upToCut,
      afterCut: {
        raw: raw.afterCut,
        // Of several tables one may be further than the cut, while another has to follow.
        curated: isBetween ? 0 : curated.afterCut,
        quarantined: quarantined.afterCut,
      },
      inFlight,
      chainProblems: [
        ...chainProblems(shard, cut, upToCut, counted.rawUris, due.isRawDue),
        ...missingQuarantine(upToCut, quarantineUris, due),
      ],
    }
  })
}

/** A shard that only a table knows. */
function strangeShard(shard: string): CountedShard {
  return {
    shard,
    cut: START,
    upToCut: [],
    rawUris: new Set(),
    rawFloor: START,
    quarantineFloor: START,
    expired: { raw: 0, quarantined: 0 },
    waiting: 0,
    known: START,
  }
}

function withoutNamed(uris: ReadonlySet<string>, entries: readonly JournalEntry[]): string[] {
  const named = new Set(entries.map((entry) => entry.quarantineUri))
  return [...uris].filter((uri) => !named.has(uri))
}

function missingQuarantine(
  entries: readonly JournalEntry[],
  uris: ReadonlySet<string>,
  due: DueObjects,
): readonly string[] {
  return entries.flatMap(({ quarantineUri: uri }) =>
    uri === undefined || uris.has(uri) || due.isQuarantineDue(uri)
      ? []
      : [`quarantine object ${uri} is missing`],
  )
}

interface StreamCounts {
  readonly horizon: SequenceNumber | undefined
  /** Events up to the cut whose raw cannot have expired. */
  readonly upToCut: number
  /** Events past all that journal and raw know. */
  readonly pastKnown: number
}

async function countStream(
  sources: EvidenceSources,
  held: readonly string[],
  shards: readonly CountedShard[],
): Promise<ReadonlyMap<string, StreamCounts>> {
  const counts = new Map<string, StreamCounts>()
  const total = shards.reduce((sum, one) => sum + sumOf(one.upToCut).received + one.waiting, 0)
  let read = 0
  for (const { shard, cut, rawFloor, known } of shards) {
    if (!held.includes(shard)) continue
    let horizon: SequenceNumber | undefined
    let [upToCut, pastKnown] = [0, 0]
    for await (const records of sources.stream.pages(shard)) {
      for (const record of records) {
        horizon ??= record.sequence
        const events = unpackRecord(record).length
        const isUpToCut = !isAfter(record.sequence, cut)
        if (isUpToCut && isAfter(record.sequence, rawFloor)) upToCut += events
        if (isAfter(record.sequence, known)) pastKnown += events
        read += events
      }
      sources.onProgress?.(read, Math.max(read, total))
    }
    counts.set(shard, { horizon, upToCut, pastKnown })
  }
  return counts
}

async function countTables(
  sources: EvidenceSources,
  shards: readonly CountedShard[],
  streamCounts: ReadonlyMap<string, StreamCounts>,
  orphans: readonly string[],
) {
  const { product } = sources.layout
  const boundsFrom = (floorOf: (shard: CountedShard) => Predecessor) =>
    shards.map((one): CountBounds => {
      const { shard, cut } = one
      const horizon = streamCounts.get(shard)?.horizon
      return { shard, floor: positionOf(floorOf(one)), cut: positionOf(cut), horizon }
    })
  const count = async (sql: string) => storedCounts(await sources.query(sql))
  const record = { shard: 'shard', sequence: 'sequence_number', index: 'event_index' }
  const row = { shard: 'ingest_shard', sequence: 'ingest_sequence', index: 'ingest_index' }
  const quarantine = { table: `${product}_quarantine`, without: orphans, ...record }
  const [raw, quarantined, ...curated] = await Promise.all([
    count(
      countSql(
        { table: `${product}_raw`, ...record },
        boundsFrom((one) => one.rawFloor),
      ),
    ),
    count(
      countSql(
        quarantine,
        boundsFrom((one) => one.quarantineFloor),
      ),
    ),
    ...sources.tables.map(({ name, snapshotId }) =>
      count(
        countSql(
          { table: name, snapshotId, ...row },
          boundsFrom(() => START),
        ),
      ),
    ),
  ])
  return { raw: raw!, curated: summedCounts(curated), quarantined: quarantined! }
}

function positionOf(position: Predecessor): SequenceNumber | undefined {
  return position === START ? undefined : position
}
