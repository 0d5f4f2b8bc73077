import type { Contract } from '#lib/domain/contract/contract.ts'
import type { ContractVersions } from '#lib/domain/contract/contract-versions.ts'
import { partitionSpecOf, tableSchemaOf } from '#lib/domain/contract/table-columns.ts'
import { takeRows } from '#lib/domain/kernel/columns.ts'
import { contentHash } from '#lib/domain/kernel/content-hash.ts'
import type { ObjectStore } from '#lib/domain/kernel/object-store.ts'
import { isAfter, type Predecessor, START } from '#lib/domain/kernel/sequence-number.ts'
import { dateOf } from '#lib/domain/kernel/time.ts'
import { type DataFile, dataFile } from '#lib/domain/lake/data-file.ts'
import { encodeParquet } from '#lib/domain/lake/parquet/encode.ts'
import { partitionRows } from '#lib/domain/lake/partition.ts'
import type { Identify } from './identity.ts'
import type { Journal, JournalEntry, ShardRegistration } from './journal.ts'
import { type Judgement, judge } from './judge.ts'
import {
  curatedUri,
  type ProductLayout,
  quarantineUri,
  rawUri,
  undecodableUri,
  verdictsUri,
} from './layout.ts'
import { inheritedMaxEventTime, type ShardLineage, shardRegistration } from './lineage.ts'
import { encodeQuarantine } from './quarantine-file.ts'
import type { RawEvent } from './raw-event.ts'
import { decodeRawBatch, encodeRawBatch, type RawBatch, rangeOf } from './raw-object.ts'
import { ShardMemory } from './shard-memory.ts'
import { encodeVerdicts } from './verdicts-object.ts'
import { MAX_INFLATED_BYTES, type StreamRecord, unpackRecord } from './wire.ts'

export interface ArchiveDependencies {
  readonly contracts: ContractVersions
  readonly journal: Journal
  readonly objects: ObjectStore
  readonly lineage: ShardLineage
  readonly identify: Identify
  readonly layout: ProductLayout
  /** Undecodable bytes are sealed under a key of their own: nobody knows what is in them. */
  readonly undecodableKeyId: string
}

/** Inflated bytes that one raw object takes at most: the bound on memory, whatever a record holds. */
const MAX_RAW_BYTES = 32 * 1024 * 1024

/**
 * The archive of one product: the only reader of its stream. Keeps what it remembers of each shard between
 * invocations, and trusts it only while the journal's head is the one it knows.
 */
export class Archive {
  readonly #deps: ArchiveDependencies
  readonly #shards = new Map<string, { head: JournalEntry; memory: ShardMemory }>()

  constructor(deps: ArchiveDependencies) {
    this.#deps = deps
  }

  /**
   * Takes records of one shard, in stream order, and returns when each of them is in raw, judged, and handed
   * over in the journal; returns the entries this call went through. Any store may fail in between, and the
   * process may die anywhere: a repeat with the same, fewer or more records goes on to the same result.
   */
  async take(shard: string, records: readonly StreamRecord[]): Promise<readonly JournalEntry[]> {
    const first = records[0]
    if (first === undefined) return []
    const { journal } = this.#deps
    const registration = await shardRegistration(
      journal,
      this.#deps.lineage,
      shard,
      dateOf(first.arrivalMicros),
    )
    // The head is read from the journal each time: what another process did since must not be done again.
    let head = await journal.head(shard)
    const entries: JournalEntry[] = []
    for (;;) {
      const prev = head?.last ?? START
      const pending = records.filter((record) => isAfter(record.sequence, prev))
      if (pending.length === 0) return entries
      head = await this.#archiveNext(registration, head, pending)
      entries.push(head)
    }
  }

  /** One step along the chain: the batch after `head`, whoever decided it. */
  async #archiveNext(
    registration: ShardRegistration,
    head: JournalEntry | undefined,
    pending: readonly StreamRecord[],
  ): Promise<JournalEntry> {
    const { contracts, identify, journal, objects } = this.#deps
    const { shard } = registration
    const date = head === undefined ? registration.startDate : dateOf(head.arrival.last)
    const prev = head?.last ?? START
    const uri = rawUri(this.#deps.layout, date, shard, prev)

    // 1. Raw decides what the batch is. From here on only its content counts, not what we were given.
    const raw = await this.#decideRaw(uri, date, shard, pending)
    const contract = contracts.byVersion(raw.contractVersion)
    const earliest = raw.events.reduce((least, e) => Math.min(least, e.arrivalMicros), Infinity)
    const memory = await this.#memoryAt(registration, head, contract, earliest)
    const judgement = judge(raw, contract, memory, identify)

    // 2. Derived objects before the entry that names them: an entry never points at nothing.
    const derived = await this.#writeDerived(raw, contract, judgement, date)

    // 3. The entry hands the batch over. If another attempt's entry is there, its verdicts hold, not ours.
    const before =
      head === undefined
        ? await inheritedMaxEventTime(journal, registration)
        : head.maxEventTimeAfter
    const proposed = entryOf(raw, prev, uri, judgement, derived, before)
    const entry = await journal.append(proposed)
    if (entry.verdictsUri === proposed.verdictsUri) {
      memory.admit(judgement.identities, judgement.arrivalMinutes)
    } else {
      await memory.remember(entry, objects)
    }
    memory.forgetBeyondHorizon(entry.arrival.last)
    this.#shards.set(shard, { head: entry, memory })
    return entry
  }

  async #decideRaw(
    uri: string,
    date: string,
    shard: string,
    pending: readonly StreamRecord[],
  ): Promise<RawBatch> {
    const { contracts, layout, objects, undecodableKeyId } = this.#deps
    const events = []
    let bytes = 0
    for (const record of pending) {
      const unpacked = unpackRecord(record)
      bytes += unpacked.reduce((sum, event) => sum + inflatedBytes(event), 0)
      if (events.length > 0 && bytes > MAX_RAW_BYTES) break
      events.push(...unpacked)
      if (unpacked[0]?.kind === 'stub') {
        // The bytes go first: once raw holds the stub, nothing would put them again.
        const target = undecodableUri(layout, date, shard, record.sequence)
        await objects.put(target, record.data, {
          contentType: 'application/octet-stream',
          kmsKeyId: undecodableKeyId,
        })
      }
    }
    const proposed: RawBatch = { shard, contractVersion: contracts.current.version, events }
    const outcome = await objects.putIfAbsent(uri, encodeRawBatch(proposed))
    // Exists: adopt it, shorter or longer than ours, also if it is our own success whose answer was lost.
    return outcome === 'created' ? proposed : decodeRawBatch(uri, await objects.get(uri))
  }

  async #memoryAt(
    registration: ShardRegistration,
    head: JournalEntry | undefined,
    contract: Contract,
    earliestArrivalMicros: number,
  ): Promise<ShardMemory> {
    const kept = this.#shards.get(registration.shard)
    const isCurrent =
      kept !== undefined &&
      kept.head.last === head?.last &&
      kept.head.verdictsUri === head.verdictsUri &&
      kept.memory.horizonMinutes === contract.dedupHorizonMinutes &&
      kept.memory.covers(earliestArrivalMicros)
    if (isCurrent) return kept.memory
    // Dropped before it is replaced: what is loaded below is advanced in place and must not outlive a failure.
    this.#shards.delete(registration.shard)
    return ShardMemory.load(
      this.#deps.journal,
      this.#deps.objects,
      registration,
      contract.dedupHorizonMinutes,
      earliestArrivalMicros,
    )
  }

  async #writeDerived(
    raw: RawBatch,
    contract: Contract,
    judgement: Judgement,
    date: string,
  ): Promise<DerivedObjects> {
    const { layout, objects } = this.#deps
    const { last } = rangeOf(raw)
    const files: DataFile[] = []
    const schema = tableSchemaOf(contract)
    for (const part of partitionRows(schema, partitionSpecOf(contract), judgement.admitted)) {
      const encoded = encodeParquet(schema, takeRows(judgement.admitted, part.rows))
      const uri = curatedUri(layout, part.path, raw.shard, last, contentHash(encoded.bytes))
      // A plain put: a repeat refreshes the object's age, which is what orphan removal goes by.
      await objects.put(uri, encoded.bytes)
      files.push(dataFile(uri, part.partition, encoded))
    }
    const derived: { -readonly [K in keyof DerivedObjects]: DerivedObjects[K] } = {}
    if (judgement.rejected.length > 0) {
      const bytes = encodeQuarantine(raw.shard, contract.version, judgement.rejected)
      derived.quarantineUri = quarantineUri(layout, date, raw.shard, last, contentHash(bytes))
      await objects.put(derived.quarantineUri, bytes)
    }
    if (files.length > 0) {
      const { identities, arrivalMinutes } = judgement
      const bytes = encodeVerdicts({ files, identities, arrivalMinutes })
      derived.verdictsUri = verdictsUri(layout, raw.shard, last, contentHash(bytes))
      await objects.put(derived.verdictsUri, bytes)
    }
    return derived
  }
}

/**
 * What unpacking an event has cost. A record that would not end inflating counts whole: without that, a batch of
 * small bombs would outlast every invocation before the first of them is in raw, and block its shard for ever.
 */
function inflatedBytes(event: RawEvent): number {
  if (event.kind === 'event') return event.text.length
  return COSTLY_STUBS.has(event.reason) ? MAX_INFLATED_BYTES : 0
}

const COSTLY_STUBS = new Set(['undecodable.tooLarge', 'undecodable.compression'])

interface DerivedObjects {
  readonly verdictsUri?: string
  readonly quarantineUri?: string
}

function entryOf(
  raw: RawBatch,
  prev: Predecessor,
  uri: string,
  judgement: Judgement,
  derived: DerivedObjects,
  maxEventTimeBefore: number | undefined,
): JournalEntry {
  const arrivals = raw.events.map((event) => event.arrivalMicros)
  const after = greatest(maxEventTimeBefore, judgement.cappedMaxEventTime)
  return {
    shard: raw.shard,
    prev,
    ...rangeOf(raw),
    contractVersion: raw.contractVersion,
    rawUri: uri,
    ...derived,
    counts: judgement.counts,
    arrival: {
      min: arrivals.reduce((least, value) => Math.min(least, value)),
      max: arrivals.reduce((most, value) => Math.max(most, value)),
      last: arrivals.at(-1)!,
    },
    ...(judgement.eventTime ? { eventTime: judgement.eventTime } : {}),
    ...(maxEventTimeBefore === undefined ? {} : { maxEventTimeBefore }),
    ...(after === undefined ? {} : { maxEventTimeAfter: after }),
  }
}

function greatest(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined) return b
  return b === undefined ? a : Math.max(a, b)
}
