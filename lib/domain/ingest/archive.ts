import type { Contract } from '#lib/domain/contract/contract.ts'
import type { ContractsInForce, ContractVersions } from '#lib/domain/contract/contract-versions.ts'
import { partitionSpecOf, tableNameOf, tableSchemaOf } from '#lib/domain/contract/table-columns.ts'
import { majorOf } from '#lib/domain/contract/version.ts'
import { type ColumnBatch, takeRows } from '#lib/domain/kernel/columns.ts'
import { contentHash } from '#lib/domain/kernel/content-hash.ts'
import { inParallel } from '#lib/domain/kernel/in-parallel.ts'
import type { ObjectStore } from '#lib/domain/kernel/object-store.ts'
import {
  isAfter,
  type Predecessor,
  type SequenceNumber,
  START,
} from '#lib/domain/kernel/sequence-number.ts'
import { dateOf } from '#lib/domain/kernel/time.ts'
import { dataFile } from '#lib/domain/lake/data-file.ts'
import { encodeParquet } from '#lib/domain/lake/parquet/encode.ts'
import { partitionRows } from '#lib/domain/lake/partition.ts'
import type { EncodedRecord } from './decoder/decoder.ts'
import { bytesOf } from './decoder/load-record.ts'
import { VersionedDecoder, type VersionedRecords } from './decoder/versioned-decoder.ts'
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
import { decodeRawBatch, encodeRaw } from './raw-object.ts'
import { ShardMemory } from './shard-memory.ts'
import { type CuratedFile, encodeVerdicts } from './verdicts-object.ts'

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

const MAX_SHARDS_KEPT = 4

/** Files of one batch that are written side by side: as many days as it has. */
const WRITES_AT_ONCE = 32

/** A batch as raw has decided it. Its columns are valid until the archive decodes the next one. */
interface DecidedBatch {
  readonly shard: string
  readonly inForce: ContractsInForce
  readonly records: VersionedRecords
  readonly range: { readonly first: SequenceNumber; readonly last: SequenceNumber }
  /** Of its records, UTC micros. */
  readonly arrivals: Float64Array
}

/**
 * The archive of one product: the only reader of its stream. Keeps what it remembers of each shard between
 * invocations, and trusts it only while the journal's head is the one it knows. Takes one shard after another: a batch
 * lies in the decoder's memory until its entry is in the journal.
 */
export class Archive {
  readonly #deps: ArchiveDependencies
  readonly #decoder = new VersionedDecoder()
  readonly #shards = new Map<string, { head: JournalEntry; memory: ShardMemory }>()

  constructor(deps: ArchiveDependencies) {
    this.#deps = deps
  }

  /**
   * Takes records of one shard, in stream order, and returns when each of them is in raw, judged, and handed
   * over in the journal; returns the entries this call went through. Any store may fail in between, and the
   * process may die anywhere: a repeat with the same, fewer or more records goes on to the same result.
   */
  async take(shard: string, records: readonly EncodedRecord[]): Promise<readonly JournalEntry[]> {
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
    pending: readonly EncodedRecord[],
  ): Promise<JournalEntry> {
    const { identify, journal, objects } = this.#deps
    const { shard } = registration
    const date = head === undefined ? registration.startDate : dateOf(head.arrival.last)
    const prev = head?.last ?? START
    const uri = rawUri(this.#deps.layout, date, shard, prev)

    // 1. Raw decides what the batch is. From here on only its content counts, not what we were given.
    const batch = await this.#decideRaw(uri, date, shard, pending)
    const { inForce, records } = batch
    const earliest = batch.arrivals.reduce((least, micros) => Math.min(least, micros))
    const memory = await this.#memoryAt(registration, head, inForce.named, earliest)
    const judgement = judge(records, inForce, memory, identify)

    // 2. Derived objects before the entry that names them: an entry never points at nothing.
    const derived = await this.#writeDerived(batch, judgement)

    // 3. The entry hands the batch over. If another attempt's entry is there, its verdicts hold, not ours.
    const before =
      head === undefined
        ? await inheritedMaxEventTime(journal, registration)
        : head.maxEventTimeAfter
    const majors = nextMajorStarts(head, inForce)
    const proposed = {
      ...entryOf(batch, { prev, head, uri }, judgement, derived, before),
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
    pending: readonly EncodedRecord[],
  ): Promise<DecidedBatch> {
    const { contracts, objects } = this.#deps
    const { version } = contracts.current
    const inForce = contracts.inForce(version)
    const records = this.#decoder.decodeRecords(inForce, pending, { shard })
    await this.#keepUndecodable(date, shard, pending, records)
    const outcome = await objects.putIfAbsent(uri, encodeRaw(shard, version, records.received))
    if (outcome === 'created') return decided(shard, inForce, records)
    // Exists: adopt it, shorter or longer than ours, also if it is our own success whose answer was lost.
    const raw = decodeRawBatch(uri, await objects.get(uri))
    const named = contracts.inForce(raw.contractVersion)
    const adopted = this.#decoder.decodeEvents(named, raw.events, { shard: raw.shard })
    return decided(raw.shard, named, adopted)
  }

  /** The bytes go first: once raw holds a stub of them, nothing would put them again. */
  async #keepUndecodable(
    date: string,
    shard: string,
    pending: readonly EncodedRecord[],
    { received }: VersionedRecords,
  ): Promise<void> {
    const { layout, objects, undecodableKeyId } = this.#deps
    for (const line of received.stubs.keys()) {
      const { sequence, data } = pending[received.recordOf[line]!]!
      await objects.put(undecodableUri(layout, date, shard, sequence), bytesOf(data), {
        contentType: 'application/octet-stream',
        kmsKeyId: undecodableKeyId,
      })
    }
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

  async #writeDerived(decided: DecidedBatch, judgement: Judgement): Promise<DerivedObjects> {
    const { layout, objects } = this.#deps
    const { shard, inForce, arrivals } = decided
    const { last } = decided.range
    const parts = judgement.admitted.flatMap(({ contract, batch }) => {
      const schema = tableSchemaOf(contract)
      const partitions = partitionRows(schema, partitionSpecOf(contract), batch)
      return partitions.map((part) => ({ contract, schema, batch, part }))
    })
    const files = await inParallel(
      parts,
      WRITES_AT_ONCE,
      async ({ contract, schema, batch, part }): Promise<CuratedFile> => {
        const encoded = encodeParquet(schema, rowsOf(batch, part.rows))
        const hash = contentHash(encoded.bytes)
        const uri = curatedUri(layout, tableNameOf(contract), part.path, shard, last, hash)
        // A plain put: a repeat refreshes the object's age, which is what orphan removal goes by.
        await objects.put(uri, encoded.bytes)
        return { ...dataFile(uri, part.partition, encoded), contractVersion: contract.version }
      },
    )
    const derived: { -readonly [K in keyof DerivedObjects]: DerivedObjects[K] } = {}
    if (judgement.rejected.length > 0) {
      const { received } = decided.records
      const bytes = encodeQuarantine(shard, inForce.named.version, judgement.rejected, received)
      // Its own arrival, not its predecessor's: a shard may have been idle longer than quarantine is kept.
      const date = dateOf(arrivals.at(-1)!)
      derived.quarantineUri = quarantineUri(layout, date, shard, last, contentHash(bytes))
      await objects.put(derived.quarantineUri, bytes)
    }
    if (files.length > 0) {
      const { identities, arrivalMinutes } = judgement
      const bytes = encodeVerdicts({ files, identities, arrivalMinutes })
      derived.verdictsUri = verdictsUri(layout, shard, last, contentHash(bytes))
      await objects.put(derived.verdictsUri, bytes)
    }
    return derived
  }
}

function decided(
  shard: string,
  inForce: ContractsInForce,
  records: VersionedRecords,
): DecidedBatch {
  const { sequences, arrivals } = records.received
  const { taken } = records
  const range = { first: sequences[0]!, last: sequences[taken - 1]! }
  return { shard, inForce, records, range, arrivals: arrivals.subarray(0, taken) }
}

/** The batch itself, if it is all of it. */
function rowsOf(batch: ColumnBatch, rows: ArrayLike<number>): ColumnBatch {
  return rows.length === batch.rows ? batch : takeRows(batch, rows)
}

interface DerivedObjects {
  readonly verdictsUri?: string
  readonly quarantineUri?: string
}

function entryOf(
  { shard, inForce, range, arrivals }: DecidedBatch,
  { prev, head, uri }: { prev: Predecessor; head: JournalEntry | undefined; uri: string },
  judgement: Judgement,
  derived: DerivedObjects,
  maxEventTimeBefore: number | undefined,
): JournalEntry {
  const after = greatest(maxEventTimeBefore, judgement.cappedMaxEventTime)
  const latest = arrivals.reduce((most, value) => Math.max(most, value))
  return {
    shard,
    prev,
    ...range,
    contractVersion: inForce.named.version,
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
