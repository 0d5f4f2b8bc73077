import { MemoryJournal } from '#lib/adapters/memory/memory-journal.ts'
import { MemoryObjectStore } from '#lib/adapters/memory/memory-object-store.ts'
import { MemoryShardLineage } from '#lib/adapters/memory/memory-shard-lineage.ts'
import type { Contract } from '#lib/domain/contract/contract.ts'
import { versionsOf } from '#lib/domain/contract/contract-versions.ts'
import { Archive } from '#lib/domain/ingest/archive.ts'
import { keyedIdentity } from '#lib/domain/ingest/identity.ts'
import type { JournalEntry } from '#lib/domain/ingest/journal.ts'
import { decodeQuarantine } from '#lib/domain/ingest/quarantine-file.ts'
import { decodeRawBatch } from '#lib/domain/ingest/raw-object.ts'
import { decodeVerdicts } from '#lib/domain/ingest/verdicts-object.ts'
import { type StreamRecord, unpackRecord } from '#lib/domain/ingest/wire.ts'
import type { ObjectStore } from '#lib/domain/kernel/object-store.ts'
import { decodeParquet } from '#lib/domain/lake/parquet/decode.ts'
import { chainProblems } from '#lib/domain/ops/check-chain.ts'
import { type Reconciliation, reconcile } from '#lib/domain/ops/reconcile.ts'

export interface ArchiveRun {
  readonly eventsPerSecond: number
  /** What the stores say of the same events. */
  readonly reconciliation: Reconciliation
}

const SHARD = 'shardId-000000000000'

/** Archives records as fast as it goes, by processor time, and counts what the stores then hold. */
export async function archiveRun(
  contract: Contract,
  records: readonly StreamRecord[],
): Promise<ArchiveRun> {
  const objects = new MemoryObjectStore({ clock: { nowMs: () => 0 } })
  const journal = new MemoryJournal()
  const archive = new Archive({
    contracts: versionsOf([contract]),
    journal,
    objects,
    lineage: new MemoryShardLineage([[SHARD, []]]),
    identify: keyedIdentity(new Uint8Array(32)),
    layout: { bucket: 'bucket', region: 'us-east-1', product: contract.product },
    undecodableKeyId: 'key',
  })
  const before = process.cpuUsage()
  await archive.take(SHARD, records)
  const { user, system } = process.cpuUsage(before)
  const entries = await journal.entriesAfter(SHARD, 'start', 1_000)
  const reconciliation = await countStores(objects, entries, records)
  const seconds = (user + system) / 1_000_000
  return { eventsPerSecond: reconciliation.received / seconds, reconciliation }
}

/** Each number from its own store: the stream, raw, the curated files, quarantine; the journal beside them. */
async function countStores(
  objects: ObjectStore,
  entries: readonly JournalEntry[],
  records: readonly StreamRecord[],
): Promise<Reconciliation> {
  const [raw, curated, quarantined] = [new Places(), new Places(), new Places()]
  for (const { rawUri, quarantineUri, verdictsUri } of entries) {
    for (const event of decodeRawBatch(rawUri, await objects.get(rawUri)).events) {
      raw.add(event.sequence, event.index)
    }
    if (quarantineUri !== undefined) {
      for (const row of await decodeQuarantine(await objects.get(quarantineUri))) {
        quarantined.add(row.sequence, row.index)
      }
    }
    if (verdictsUri === undefined) continue
    for (const { path } of decodeVerdicts(verdictsUri, await objects.get(verdictsUri)).files) {
      const { rows } = await decodeParquet(await objects.get(path), ['event_id'])
      for (let row = 0; row < rows; row++) curated.add(path, row)
    }
  }
  const uris = new Set<string>()
  for await (const { uri } of objects.list('s3://bucket/raw/')) uris.add(uri)
  const cut = entries.at(-1)!.last
  const decided = { received: 0, admitted: 0, duplicate: 0, rejected: 0 }
  for (const { counts } of entries) {
    for (const name of Object.keys(decided) as (keyof typeof decided)[]) {
      decided[name] += counts[name]
    }
  }
  return reconcile([
    {
      shard: SHARD,
      cut,
      inStream: records.reduce((sum, record) => sum + unpackRecord(record).length, 0),
      rawBeforeStream: 0,
      expired: { raw: 0, quarantined: 0 },
      raw: raw.rows,
      rawPositions: raw.distinct,
      decided,
      curated: curated.rows,
      curatedPositions: curated.distinct,
      quarantined: quarantined.rows,
      afterCut: { raw: 0, curated: 0, quarantined: 0 },
      inFlight: 0,
      chainProblems: chainProblems(SHARD, cut, entries, uris),
    },
  ])
}

class Places {
  readonly #seen = new Set<string>()
  rows = 0

  get distinct(): number {
    return this.#seen.size
  }

  add(sequence: string, index: number): void {
    this.rows += 1
    this.#seen.add(`${sequence}/${index}`)
  }
}
