import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { MemoryCatalog } from '#lib/adapters/memory/memory-catalog.ts'
import { MemoryGenerationStore } from '#lib/adapters/memory/memory-generation-store.ts'
import { MemoryJournal } from '#lib/adapters/memory/memory-journal.ts'
import { MemoryObjectStore } from '#lib/adapters/memory/memory-object-store.ts'
import { MemoryShardLineage } from '#lib/adapters/memory/memory-shard-lineage.ts'
import { MemorySlotStore } from '#lib/adapters/memory/memory-slot-store.ts'
import type { Contract } from '#lib/domain/contract/contract.ts'
import { type ContractVersions, versionsOf } from '#lib/domain/contract/contract-versions.ts'
import { parseContract } from '#lib/domain/contract/parse-contract.ts'
import { Archive } from '#lib/domain/ingest/archive.ts'
import { keyedIdentity } from '#lib/domain/ingest/identity.ts'
import { decodeRawBatch } from '#lib/domain/ingest/raw-object.ts'
import type { StreamRecord } from '#lib/domain/ingest/wire.ts'
import { type Column, utf8At } from '#lib/domain/kernel/columns.ts'
import { PlatformError } from '#lib/domain/kernel/errors.ts'
import { commitSnapshots } from '#lib/domain/lake/commit-snapshots.ts'
import { decodeParquet } from '#lib/domain/lake/parquet/decode.ts'
import { loadTable } from '#lib/domain/lake/table.ts'
import type { FinalizeWindowsDependencies } from '#lib/domain/process/finalize-windows.ts'
import {
  finalizeGenerations,
  updateGenerations,
} from '#lib/domain/process/generations/feed-generations.ts'
import type { ViewDefinition } from '#lib/domain/process/view.ts'
import type { StreamProgress } from '#lib/domain/process/view-watermark.ts'
import { views } from '#products/trips/features.ts'
import { FaultyProcess } from './faults.ts'
import { LONE_SHARDS } from './lone-shards.ts'
import { storedCount, storedSum } from './stored-states.ts'
import { withoutPersonal } from './without-personal.ts'

const contractFile = join(import.meta.dirname, '../../products/trips/contract.yaml')

/** The contract of the trips product, without its riders: what is sealed has tests of its own. */
export async function tripsContract(): Promise<Contract> {
  const parsed = parseContract(await readFile(contractFile, 'utf8'), { file: contractFile })
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems))
  return withoutPersonal(parsed.contract)
}

const NO_FAULT = () => new FaultyProcess(Number.POSITIVE_INFINITY, 'refused')

/** The stores of one product in one cell, in memory, and its functions on top: each call is a new process. */
export class MemoryCell {
  readonly clock = { ms: Date.UTC(2026, 0, 1), nowMs: () => this.clock.ms++ }
  readonly objects = new MemoryObjectStore({ clock: this.clock })
  readonly catalog = new MemoryCatalog()
  readonly journal = new MemoryJournal()
  readonly slots = new MemorySlotStore()
  readonly generations = new MemoryGenerationStore()
  readonly slotsOf = () => this.slots
  /** The shards that a test names; without any, each shard stands alone. */
  readonly shards = new MemoryShardLineage()
  readonly layout = { bucket: 'bucket', region: 'us-east-1', product: 'trips' }
  readonly contract: Contract
  /** Which versions are deployed. */
  contracts: ContractVersions
  /** Which views are. */
  views: readonly ViewDefinition[] = views
  #ids = 0n

  /** With the newest of the deployed contracts last. */
  constructor(...contracts: readonly [...Contract[], Contract]) {
    this.contract = contracts.at(-1)!
    this.contracts = versionsOf(contracts)
  }

  /** A cold archive-events process. Keep the result to have a warm one. */
  archive(process = NO_FAULT()): Archive {
    return new Archive({
      contracts: this.contracts,
      journal: process.journal(this.journal),
      objects: process.objects(this.objects),
      lineage: this.shards.listed.size === 0 ? LONE_SHARDS : this.shards,
      identify: keyedIdentity(new Uint8Array(32)),
      layout: this.layout,
      undecodableKeyId: 'undecodable-key',
    })
  }

  commit(process = NO_FAULT()) {
    const lost = () =>
      new PlatformError('lake.commitStateUnknown', 'answer lost', { retryable: true })
    return commitSnapshots({
      lake: {
        objects: process.objects(this.objects),
        catalog: process.catalog(this.catalog, lost),
        clock: this.clock,
        ids: { snapshotId: () => ++this.#ids, uuid: () => `uuid-${++this.#ids}` },
      },
      journal: process.journal(this.journal),
      contracts: this.contracts,
      layout: this.layout,
      database: 'weir',
    })
  }

  update(process = NO_FAULT()) {
    return updateGenerations({
      contracts: this.contracts,
      views: this.views,
      journal: process.journal(this.journal),
      objects: process.objects(this.objects),
      generations: process.generations(this.generations),
      slotsOf: () => process.slots(this.slots),
      clock: this.clock,
      layout: this.layout,
    })
  }

  /** Closes windows by watermark; `stream` says what nobody has read yet. */
  finalize(
    stream: StreamProgress,
    process = NO_FAULT(),
    limits?: FinalizeWindowsDependencies['limits'],
  ) {
    const lost = () =>
      new PlatformError('lake.commitStateUnknown', 'answer lost', { retryable: true })
    return finalizeGenerations({
      lake: {
        objects: process.objects(this.objects),
        catalog: process.catalog(this.catalog, lost),
        clock: this.clock,
        ids: { snapshotId: () => ++this.#ids, uuid: () => `uuid-${++this.#ids}` },
      },
      contracts: this.contracts,
      views: this.views,
      journal: process.journal(this.journal),
      generations: process.generations(this.generations),
      slotsOf: () => process.slots(this.slots),
      stream,
      layout: this.layout,
      database: 'weir',
      ...(limits === undefined ? {} : { limits }),
    })
  }

  /** Everything that readers can see, in an order of its own: equal outcomes compare equal. */
  async outcome(): Promise<Outcome> {
    const table = await loadTable(
      {
        objects: this.objects,
        catalog: this.catalog,
        clock: this.clock,
        ids: { snapshotId: () => 0n, uuid: () => '' },
      },
      { database: 'weir', name: 'trips' },
    )
    const curated: string[] = []
    for (const file of (await table?.liveFiles()) ?? []) {
      const bytes = await this.objects.get(file.path)
      const batch = await decodeParquet(bytes, ['event_id', 'fare_amount'])
      for (let row = 0; row < batch.rows; row++)
        curated.push(text(batch.columns.get('event_id')!, row))
    }
    const raw: string[] = []
    for await (const { uri } of this.objects.list('s3://bucket/raw/')) {
      const batch = decodeRawBatch(uri, await this.objects.get(uri))
      for (const event of batch.events) raw.push(`${batch.shard}/${event.sequence}/${event.index}`)
    }
    const quarantined: string[] = []
    const counts = { received: 0, admitted: 0, duplicate: 0, rejected: 0 }
    for (const { shard } of await this.journal.shards()) {
      for (const entry of await this.journal.entriesAfter(shard, 'start', 10_000)) {
        for (const name of Object.keys(counts) as (keyof typeof counts)[]) {
          counts[name] += entry.counts[name]
        }
        if (entry.quarantineUri === undefined) continue
        const batch = await decodeParquet(await this.objects.get(entry.quarantineUri), [
          'quarantine_id',
          'reason',
        ])
        for (let row = 0; row < batch.rows; row++) {
          quarantined.push(
            `${text(batch.columns.get('quarantine_id')!, row)} ${text(batch.columns.get('reason')!, row)}`,
          )
        }
      }
    }
    const windows = new Map<string, { trips: number; fares: bigint }>()
    for (const slot of this.slots.all()) {
      const id = `${slot.paneStart}/${slot.key}`
      const sum = windows.get(id) ?? { trips: 0, fares: 0n }
      sum.trips += storedCount(slot.states.trip_count)
      sum.fares += storedSum(slot.states.fare_sum)
      windows.set(id, sum)
    }
    return {
      counts,
      curated: curated.sort(),
      raw: raw.sort(),
      quarantined: quarantined.sort(),
      windows: [...windows].map(([id, sum]) => `${id} ${sum.trips} ${sum.fares}`).sort(),
    }
  }
}

export interface Outcome {
  readonly counts: Readonly<Record<string, number>>
  readonly curated: readonly string[]
  readonly raw: readonly string[]
  readonly quarantined: readonly string[]
  readonly windows: readonly string[]
}

function text(column: Column, row: number): string {
  if (column.kind !== 'utf8') throw new Error(`not a string column: ${column.kind}`)
  return utf8At(column, row)
}

export type { StreamRecord }
