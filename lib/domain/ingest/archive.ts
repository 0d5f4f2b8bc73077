import type { Contract } from '#lib/domain/contract/contract.ts'
import type { ContractVersions } from '#lib/domain/contract/contract-versions.ts'
import { partitionSpecOf, tableNameOf, tableSchemaOf } from '#lib/domain/contract/table-columns.ts'
import { majorOf } from '#lib/domain/contract/version.ts'
import { takeRows } from '#lib/domain/kernel/columns.ts'
import { contentHash } from '#lib/domain/kernel/content-hash.ts'
import { inParallel } from '#lib/domain/kernel/in-parallel.ts'
import type { ObjectStore } from '#lib/domain/kernel/object-store.ts'
import { isAfter, type Predecessor, START } from '#lib/domain/kernel/sequence-number.ts'
import { dateOf } from '#lib/domain/kernel/time.ts'
import { dataFile } from '#lib/domain/lake/data-file.ts'
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
import { nextMajorStarts } from './major-starts.ts'
import { encodeQuarantine } from './quarantine-file.ts'
import type { RawEvent } from './raw-event.ts'
import { decodeRawBatch, encodeRawBatch, type RawBatch, rangeOf } from './raw-object.ts'
import { ShardMemory } from './shard-memory.ts'
import { type CuratedFile, encodeVerdicts } from './verdicts-object.ts'
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
 * Events that one raw object takes at most. Judging costs memory per event, however small it is, and what raw has
 * decided no retry can make smaller.
 */
const MAX_RAW_EVENTS = 50_000

const MAX_SHARDS_KEPT = 4

/** Files of one batch that are written side by side: as many days as it has. */
const WRITES_AT_ONCE = 32

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
    const inForce = contracts.inForce(raw.contractVersion)
    const earliest = raw.events.reduce((least, e) => Math.min(least, e.arrivalMicros), Infinity)
    const memory = await this.#memoryAt(registration, head, inForce.named, earliest)
    const judgement = judge(raw, inForce, memory, identify)

    // 2. Derived objects before the entry that names them: an entry never points at nothing.
    const derived = await this.#writeDerived(raw, judgement)

    // 3. The entry hands the batch over. If another attempt's entry is there, its verdicts hold, not ours.
    const before =
      head === undefined
        ? await inheritedMaxEventTime(journal, registration)
        : head.maxEventTimeAfter
    const majors = nextMajorStarts(head, inForce)
    const proposed = {
      ...entryOf(raw, { prev, head, uri }, judgement, derived, before),
      ...(majors === undefined ? {} : { majors }),
      ...(inForce.majors.length === 1 ? {} : { admittedByMajor: admittedByMajor(judgement) }),
    }
    const entry = await journal.append(proposed)
    if (entry.verdictsUri === proposed.verdictsUri) {
      memory.admit(judgement.identities, judgement.arrivalMinutes)
    } else {
      await memory.remember(entry, objects)
    }
    memory.forgetBeyondHorizon(entry.arrival.last)
    this.#keep(shard, { head: entry, memory })
    return entry
  }

  /** Keeps the memory of a few shards only: after reshards one process may have served many. */
  #keep(shard: string, known: { head: JournalEntry; memory: ShardMemory }): void {
    this.#shards.delete(shard)
    this.#shards.set(shard, known)
    const oldest = this.#shards.keys().next().value
    if (this.#shards.size > MAX_SHARDS_KEPT && oldest !== undefined) this.#shards.delete(oldest)
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
      const isFull = bytes > MAX_RAW_BYTES || events.length + unpacked.length > MAX_RAW_EVENTS
      if (events.length > 0 && isFull) break
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

  async #writeDerived(raw: RawBatch, judgement: Judgement): Promise<DerivedObjects> {
    const { layout, objects } = this.#deps
    const { last } = rangeOf(raw)
    const parts = judgement.admitted.flatMap(({ contract, batch }) => {
      const schema = tableSchemaOf(contract)
      const partitions = partitionRows(schema, partitionSpecOf(contract), batch)
      return partitions.map((part) => ({ contract, schema, batch, part }))
    })
    const files = await inParallel(
      parts,
      WRITES_AT_ONCE,
      async ({ contract, schema, batch, part }): Promise<CuratedFile> => {
        const encoded = encodeParquet(schema, takeRows(batch, part.rows))
        const hash = contentHash(encoded.bytes)
        const uri = curatedUri(layout, tableNameOf(contract), part.path, raw.shard, last, hash)
        // A plain put: a repeat refreshes the object's age, which is what orphan removal goes by.
        await objects.put(uri, encoded.bytes)
        return { ...dataFile(uri, part.partition, encoded), contractVersion: contract.version }
      },
    )
    const derived: { -readonly [K in keyof DerivedObjects]: DerivedObjects[K] } = {}
    if (judgement.rejected.length > 0) {
      const bytes = encodeQuarantine(raw.shard, raw.contractVersion, judgement.rejected)
      // Its own arrival, not its predecessor's: a shard may have been idle longer than quarantine is kept.
      const date = dateOf(raw.events.at(-1)!.arrivalMicros)
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
  if (event.reason === 'undecodable.tooLarge') return MAX_INFLATED_BYTES
  if (event.reason !== 'undecodable.compression') return 0
  // It broke off somewhere: at most what so many bytes can inflate to.
  return Math.min(event.lengthBytes * MOST_INFLATION, MAX_INFLATED_BYTES)
}

/** A zstd block of four bytes may stand for 128 KiB. */
const MOST_INFLATION = 32_768

interface DerivedObjects {
  readonly verdictsUri?: string
  readonly quarantineUri?: string
}

function entryOf(
  raw: RawBatch,
  { prev, head, uri }: { prev: Predecessor; head: JournalEntry | undefined; uri: string },
  judgement: Judgement,
  derived: DerivedObjects,
  maxEventTimeBefore: number | undefined,
): JournalEntry {
  const arrivals = raw.events.map((event) => event.arrivalMicros)
  const after = greatest(maxEventTimeBefore, judgement.cappedMaxEventTime)
  const latest = arrivals.reduce((most, value) => Math.max(most, value))
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
      max: latest,
      last: arrivals.at(-1)!,
      greatest: Math.max(latest, head?.arrival.greatest ?? latest),
    },
    ...(judgement.eventTime ? { eventTime: judgement.eventTime } : {}),
    ...(maxEventTimeBefore === undefined ? {} : { maxEventTimeBefore }),
    ...(after === undefined ? {} : { maxEventTimeAfter: after }),
    ...(judgement.drift === undefined ? {} : { drift: judgement.drift }),
  }
}

function admittedByMajor({ admitted }: Judgement): Record<string, number> {
  const rows = admitted.map(({ contract, batch }) => [majorOf(contract.version), batch.rows])
  return Object.fromEntries(rows)
}

function greatest(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined) return b
  return b === undefined ? a : Math.max(a, b)
}
