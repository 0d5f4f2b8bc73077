import { randomBytes, randomUUID } from 'node:crypto'
import { MemoryCatalog } from '#lib/adapters/memory/memory-catalog.ts'
import { MemoryObjectStore } from '#lib/adapters/memory/memory-object-store.ts'
import { type SequenceNumber, sequenceNumber } from '#lib/domain/kernel/sequence-number.ts'
import { commit } from '#lib/domain/lake/commit.ts'
import type { DataFile } from '#lib/domain/lake/data-file.ts'
import { fencesProperty, fencesSummary } from '#lib/domain/lake/fences.ts'
import type { TableSchema } from '#lib/domain/lake/schema.ts'
import { createTableIfAbsent, type Lake, loadTable, manifestsOf } from '#lib/domain/lake/table.ts'
import { currentSnapshotOf } from '#lib/domain/lake/table-metadata.ts'
import type { Comparison } from './comparison.ts'

const COMMITS = 10_000
const SPAN = 100
const SECONDS_BETWEEN = 5
const SHARDS = 4
const NAME = { database: 'bench', name: 'trips' }
const SCHEMA: TableSchema = {
  fields: [
    { id: 1, name: 'id', required: true, type: 'string' },
    { id: 2, name: 'at', required: true, type: 'timestamptz' },
  ],
}

/** What a hundred commits in a row took, and what they left. */
export interface Span {
  /** Of the processor, which a busy machine does not lengthen as it does the clock's. */
  readonly msPerCommit: number
  readonly metadataBytes: number
  readonly snapshots: number
  readonly manifests: number
  /** Most requests that one of them made. */
  readonly mostGets: number
}

export interface Growth {
  readonly first: Span
  readonly last: Span
  /** Whether the table has every file at the end. */
  readonly isComplete: boolean
}

/**
 * The hundredth commit beside the ten thousandth, one file per shard each, five seconds apart: what a table costs must
 * not depend on how old it is.
 */
export async function* run([commits]: readonly string[]): AsyncIterable<Comparison> {
  await measureGrowth(2 * SPAN)
  const { first, last, isComplete } = await measureGrowth(Number(commits ?? COMMITS))
  const lines = [
    ['time', 'ms of the processor per commit', first.msPerCommit, last.msPerCommit],
    ['metadata', 'bytes of metadata.json', first.metadataBytes, last.metadataBytes],
  ] as const
  for (const [name, unit, theirs, ours] of lines) {
    yield {
      name: `commits/${name}`,
      peer: 'the first hundred of the same table',
      ours: Number(ours.toFixed(2)),
      theirs: Number(theirs.toFixed(2)),
      ratio: Number((theirs / ours).toFixed(2)),
      unit,
      equal: isComplete,
      snapshots: last.snapshots,
      manifests: last.manifests,
      mostGets: last.mostGets,
    }
  }
}

export async function measureGrowth(commits: number): Promise<Growth> {
  let nowMs = Date.UTC(2026, 10, 1)
  let gets = 0
  const clock = { nowMs: () => nowMs }
  const objects = new MemoryObjectStore({ clock })
  const get = objects.get.bind(objects)
  objects.get = (uri) => {
    gets++
    return get(uri)
  }
  const lake: Lake = {
    objects,
    catalog: new MemoryCatalog(),
    clock,
    ids: { uuid: randomUUID, snapshotId: () => randomBytes(8).readBigUInt64BE() >> 1n },
  }
  await createTableIfAbsent(lake, {
    name: NAME,
    location: 's3://bench/trips',
    schema: SCHEMA,
    spec: { fields: [] },
  })
  const spans: Span[] = []
  for (let done = 0; done < commits; done += SPAN) {
    const before = process.cpuUsage()
    let mostGets = 0
    for (let at = done; at < done + SPAN; at++) {
      nowMs += SECONDS_BETWEEN * 1000
      gets = 0
      await append(lake, at)
      mostGets = Math.max(mostGets, gets)
    }
    const { user, system } = process.cpuUsage(before)
    spans.push(await spanOf(lake, (user + system) / 1000 / SPAN, mostGets))
  }
  const live = await (await loadTable(lake, NAME))!.liveFiles()
  const isComplete = new Set(live.map(({ path }) => path)).size === commits * SHARDS
  return { first: spans[0]!, last: spans.at(-1)!, isComplete }
}

async function append(lake: Lake, at: number): Promise<void> {
  const files = Array.from({ length: SHARDS }, (_, shard) => file(shard, at))
  const fences = Object.fromEntries(
    files.map((_, shard) => [`shardId-${String(shard).padStart(12, '0')}`, fenceAt(at)]),
  )
  await commit(lake, NAME, () => ({
    files,
    summary: fencesSummary(fences),
    setProperties: (id) => fencesProperty(id, fences),
  }))
}

async function spanOf(lake: Lake, msPerCommit: number, mostGets: number): Promise<Span> {
  const { metadata, metadataLocation, snapshots } = (await loadTable(lake, NAME))!
  const manifests = await manifestsOf(lake.objects, currentSnapshotOf(metadata))
  return {
    msPerCommit,
    metadataBytes: (await lake.objects.get(metadataLocation)).length,
    snapshots: snapshots.length,
    manifests: manifests.length,
    mostGets,
  }
}

/** As a batch of a few hundred rows leaves it; the bytes are never read. */
function file(shard: number, at: number): DataFile {
  const bounds = (of: string) => ({ 1: Buffer.from(of).toString('base64'), 2: 'AAAAAAAAAAA=' })
  return {
    path: `s3://bench/trips/data/${shard}-${at}-${'0'.repeat(40)}.parquet`,
    partition: {},
    recordCount: 300,
    sizeBytes: 20_000,
    columnSizes: { 1: 9000, 2: 3000 },
    valueCounts: { 1: 300, 2: 300 },
    nullCounts: { 1: 0, 2: 0 },
    nanCounts: {},
    lowerBounds: bounds(`trip-${at}`),
    upperBounds: bounds(`trip-${at + 1}`),
    splitOffsets: [4],
  }
}

function fenceAt(at: number): SequenceNumber {
  return sequenceNumber(`4964${String(at).padStart(52, '0')}`)
}
