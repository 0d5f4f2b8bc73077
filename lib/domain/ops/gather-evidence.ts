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
import { chainProblems, shardInUri } from './check-chain.ts'
import type { ShardEvidence } from './reconcile.ts'
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
  /** The curated tables. @default the one that is named as the product */
  readonly tableNames?: readonly string[]
  /** Runs SQL over the cell's tables; rows in the order of the columns. */
  readonly query: (sql: string) => Promise<readonly (readonly unknown[])[]>
  readonly onProgress?: (eventsRead: number, total: number) => void
}

const NOTHING: StoredCounts = { upToCut: 0, positions: 0, beforeHorizon: 0, afterCut: 0 }

/**
 * Counts a product's events in every store at the same positions: up to the table's fence of each shard. So the numbers
 * belong together, whatever happens while they are counted.
 */
export async function gatherEvidence(
  sources: EvidenceSources,
  fences: Fences,
): Promise<readonly ShardEvidence[]> {
  const { stream, journal, objects, layout } = sources
  const [held, registered] = await Promise.all([stream.shards(), journal.shards()])
  const shards = [
    ...new Set([...held, ...registered.map((one) => one.shard), ...Object.keys(fences)]),
  ].sort()
  const entries = new Map<string, readonly JournalEntry[]>()
  for (const shard of shards) {
    entries.set(shard, await entriesUpTo(journal, shard, fences[shard] ?? START))
  }
  const streamCounts = await countStream(sources, held, fences, totalOf(entries))
  const bounds = shards.map((shard): CountBounds => {
    const cut = fences[shard]
    return {
      shard,
      cut: cut === START ? undefined : cut,
      horizon: streamCounts.get(shard)?.horizon,
    }
  })
  const [stored, rawUris] = await Promise.all([
    countTables(sources, bounds),
    rawObjects(objects, layout),
  ])
  const strangers = [...stored.raw.keys(), ...stored.curated.keys(), ...rawUris.keys()]
  const all = [...new Set([...shards, ...strangers])].sort()
  return all.map((shard) => {
    const cut = fences[shard] ?? START
    const own = entries.get(shard) ?? []
    const raw = stored.raw.get(shard) ?? NOTHING
    const curated = stored.curated.get(shard) ?? NOTHING
    const quarantined = stored.quarantined.get(shard) ?? NOTHING
    const inStream = streamCounts.get(shard)
    const isBetween = (sources.tableNames?.length ?? 1) > 1 && (inStream?.afterCut ?? 0) > 0
    return {
      shard,
      cut,
      inStream: inStream?.upToCut ?? 0,
      rawBeforeStream: raw.beforeHorizon,
      raw: raw.upToCut,
      rawPositions: raw.positions,
      decided: decidedBy(own),
      curated: curated.upToCut,
      curatedPositions: curated.positions,
      quarantined: quarantined.upToCut,
      afterCut: {
        raw: raw.afterCut,
        // Of several tables one may be further than the cut, while another has to follow.
        curated: isBetween ? 0 : curated.afterCut,
        quarantined: quarantined.afterCut,
      },
      inFlight: inStream?.afterCut ?? 0,
      chainProblems: chainProblems(shard, cut, own, rawUris.get(shard) ?? new Set()),
    }
  })
}

interface StreamCounts {
  readonly horizon: SequenceNumber | undefined
  readonly upToCut: number
  readonly afterCut: number
}

async function countStream(
  sources: EvidenceSources,
  shards: readonly string[],
  fences: Fences,
  total: number,
): Promise<ReadonlyMap<string, StreamCounts>> {
  const counts = new Map<string, StreamCounts>()
  let read = 0
  for (const shard of shards) {
    const cut = fences[shard] ?? START
    let horizon: SequenceNumber | undefined
    let [upToCut, afterCut] = [0, 0]
    for await (const records of sources.stream.pages(shard)) {
      for (const record of records) {
        horizon ??= record.sequence
        const events = unpackRecord(record).length
        if (isAfter(record.sequence, cut)) afterCut += events
        else upToCut += events
        read += events
      }
      sources.onProgress?.(read, Math.max(read, total))
    }
    counts.set(shard, { horizon, upToCut, afterCut })
  }
  return counts
}

async function countTables(sources: EvidenceSources, bounds: readonly CountBounds[]) {
  const { product } = sources.layout
  const { tableNames = [product] } = sources
  const record = { shard: 'shard', sequence: 'sequence_number', index: 'event_index' }
  const row = { shard: 'ingest_shard', sequence: 'ingest_sequence', index: 'ingest_index' }
  const [raw, quarantined, ...curated] = await Promise.all(
    [
      { table: `${product}_raw`, ...record },
      { table: `${product}_quarantine`, ...record },
      ...tableNames.map((table) => ({ table, ...row })),
    ].map(async (counted) => storedCounts(await sources.query(countSql(counted, bounds)))),
  )
  return { raw: raw!, curated: summedCounts(curated), quarantined: quarantined! }
}

async function rawObjects(
  objects: ObjectStore,
  { bucket, region }: ProductLayout,
): Promise<ReadonlyMap<string, Set<string>>> {
  const found = new Map<string, Set<string>>()
  for await (const { uri } of objects.list(`s3://${bucket}/raw/region=${region}/`)) {
    const shard = shardInUri(uri) ?? uri
    found.set(shard, (found.get(shard) ?? new Set()).add(uri))
  }
  return found
}

async function entriesUpTo(
  journal: Journal,
  shard: string,
  cut: Predecessor,
): Promise<readonly JournalEntry[]> {
  const found: JournalEntry[] = []
  for (let from: Predecessor = START; ; ) {
    const page = await journal.entriesAfter(shard, from, 500)
    for (const entry of page) if (!isAfter(entry.last, cut)) found.push(entry)
    const last = page.at(-1)
    if (last === undefined || page.length < 500 || isAfter(last.last, cut)) return found
    from = last.last
  }
}

function decidedBy(entries: readonly JournalEntry[]): ShardEvidence['decided'] {
  const sum = (of: (entry: JournalEntry) => number) =>
    entries.reduce((total, entry) => total + of(entry), 0)
  return {
    received: sum((entry) => entry.counts.received),
    admitted: sum((entry) => entry.counts.admitted),
    duplicate: sum((entry) => entry.counts.duplicate),
    rejected: sum((entry) => entry.counts.rejected),
  }
}

function totalOf(entries: ReadonlyMap<string, readonly JournalEntry[]>): number {
  return [...entries.values()].reduce((sum, own) => sum + decidedBy(own).received, 0)
}
