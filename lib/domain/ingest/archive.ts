import type { Contract } from '#lib/domain/contract/contract.ts'
import type { ContractsInForce, ContractVersions } from '#lib/domain/contract/contract-versions.ts'
import { PlatformError } from '#lib/domain/kernel/errors.ts'
import type { ObjectStore } from '#lib/domain/kernel/object-store.ts'
import { isAfter, START } from '#lib/domain/kernel/sequence-number.ts'
import { dateOf } from '#lib/domain/kernel/time.ts'
import { undecodablePlace } from '#lib/domain/privacy/rejected-place.ts'
import { RecordSealer, type Sealing } from '#lib/domain/privacy/seal-records.ts'
import { entryOf } from './batch-entry.ts'
import { type DecidedBatch, decided } from './decided-batch.ts'
import { decodeRaw } from './decode-raw.ts'
import type { EncodedRecord } from './decoder/decoder.ts'
import { bytesOf } from './decoder/load-record.ts'
import { VersionedDecoder, type VersionedRecords } from './decoder/versioned-decoder.ts'
import { writeDerived } from './derived-objects.ts'
import { driftOf } from './drift.ts'
import type { Identify } from './identity.ts'
import type { Journal, JournalEntry, ShardRegistration } from './journal.ts'
import { judge } from './judge.ts'
import { type ProductLayout, rawUri, undecodableUri } from './layout.ts'
import { inheritedMaxEventTime, type ShardLineage, shardRegistration } from './lineage.ts'
import { decodeRawBatch, encodeRaw } from './raw-object.ts'
import { ShardMemory } from './shard-memory.ts'

export interface ArchiveDependencies {
  readonly contracts: ContractVersions
  readonly journal: Journal
  readonly objects: ObjectStore
  readonly lineage: ShardLineage
  readonly identify: Identify
  readonly layout: ProductLayout
  /** Undecodable bytes are sealed under a key of their own: nobody knows what is in them. */
  readonly undecodableKeyId: string
  /** Keys for what is personal; a product with personal fields cannot do without. */
  readonly sealing?: Sealing
  /** For how many days nobody may delete or replace a raw object. @default not locked */
  readonly rawLockDays?: number
}

const MAX_SHARDS_KEPT = 4

/**
 * The archive of one product: the only reader of its stream. Keeps what it remembers of each shard between
 * invocations, and trusts it only while the journal's head is the one it knows. Takes one shard after another: a batch
 * lies in the decoder's memory until its entry is in the journal.
 */
export class Archive {
  readonly #deps: ArchiveDependencies
  readonly #decoder = new VersionedDecoder()
  #sealer: RecordSealer | undefined
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
    const derived = await writeDerived(this.#deps, batch, judgement)

    // 3. The entry hands the batch over. If another attempt's entry is there, its verdicts hold, not ours.
    const before =
      head === undefined
        ? await inheritedMaxEventTime(journal, registration)
        : head.maxEventTimeAfter
    const proposed = entryOf(batch, { prev, head, uri }, judgement, derived, before)
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
    const { contracts, objects, rawLockDays } = this.#deps
    const { version } = contracts.current
    const inForce = contracts.inForce(version)
    const received = this.#decoder.decodeRecords(inForce.received ?? inForce, pending, { shard })
    await this.#keepUndecodable(date, shard, pending, received, inForce)
    const records = await this.#sealed(shard, received, inForce)
    const lock = rawLockDays === undefined ? {} : { lockDays: rawLockDays }
    const sealed = inForce.received === undefined ? undefined : { drift: driftOf(records) ?? {} }
    const body = encodeRaw(shard, version, records.received, sealed)
    const outcome = await objects.putIfAbsent(uri, body, lock)
    if (outcome === 'created') return decided(shard, inForce, records)
    // Exists: adopt it, shorter or longer than ours, also if it is our own success whose answer was lost.
    const raw = decodeRawBatch(uri, await objects.get(uri))
    const named = contracts.inForce(raw.contractVersion)
    return decided(raw.shard, named, decodeRaw(this.#decoder, named, raw))
  }

  /** Sealed before the first byte is stored. What raw holds already is never sealed again: it was, once. */
  #sealed(
    shard: string,
    records: VersionedRecords,
    inForce: ContractsInForce,
  ): VersionedRecords | Promise<VersionedRecords> {
    if (inForce.received === undefined) return records
    this.#sealer ??= new RecordSealer(this.#sealing())
    return this.#sealer.seal(shard, records, inForce)
  }

  #sealing(): Sealing {
    const { sealing, contracts } = this.#deps
    if (sealing !== undefined) return sealing
    throw new PlatformError(
      'archive.noSealing',
      `${contracts.current.product} has personal fields and this archive no keys to seal them with: deploy it with the keys of its cell`,
      { retryable: true },
    )
  }

  /** The bytes go first: once raw holds a stub of them, nothing would put them again. */
  async #keepUndecodable(
    date: string,
    shard: string,
    pending: readonly EncodedRecord[],
    { received }: VersionedRecords,
    inForce: ContractsInForce,
  ): Promise<void> {
    const { layout, objects, undecodableKeyId } = this.#deps
    if (received.stubs.size === 0) return
    const seal = inForce.received === undefined ? undefined : await this.#sealing().unknown.sealer()
    for (const line of received.stubs.keys()) {
      const { sequence, data } = pending[received.recordOf[line]!]!
      const bytes = bytesOf(data)
      const body = seal?.(bytes, undecodablePlace(shard, sequence)) ?? bytes
      await objects.put(undecodableUri(layout, date, shard, sequence), body, {
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
}
