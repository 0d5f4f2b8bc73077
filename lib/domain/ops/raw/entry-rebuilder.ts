import type { Contract } from '#lib/domain/contract/contract.ts'
import type { ContractVersions } from '#lib/domain/contract/contract-versions.ts'
import { admittedAgain } from '#lib/domain/ingest/admitted-again.ts'
import { entryOf } from '#lib/domain/ingest/batch-entry.ts'
import { type DecidedBatch, decided } from '#lib/domain/ingest/decided-batch.ts'
import { decodeRaw } from '#lib/domain/ingest/decode-raw.ts'
import { VersionedDecoder } from '#lib/domain/ingest/decoder/versioned-decoder.ts'
import { type DerivedObjects, writeDerived } from '#lib/domain/ingest/derived-objects.ts'
import type { Identify } from '#lib/domain/ingest/identity.ts'
import { NEVER } from '#lib/domain/ingest/identity-set.ts'
import type { Journal, JournalEntry, ShardRegistration } from '#lib/domain/ingest/journal.ts'
import { type AdmittedBefore, type Judgement, judge } from '#lib/domain/ingest/judge.ts'
import { type ProductLayout, quarantinePrefix, verdictsPrefix } from '#lib/domain/ingest/layout.ts'
import { inheritedMaxEventTime } from '#lib/domain/ingest/lineage.ts'
import type { RawBatch } from '#lib/domain/ingest/raw-object.ts'
import { ShardMemory } from '#lib/domain/ingest/shard-memory.ts'
import { PlatformError } from '#lib/domain/kernel/errors.ts'
import type { ObjectStore } from '#lib/domain/kernel/object-store.ts'
import type { SequenceNumber } from '#lib/domain/kernel/sequence-number.ts'
import { DueObjects } from '../due-objects.ts'
import type { DerivedByBatch, KnownVerdicts } from './derived-by-batch.ts'
import type { RawLink } from './raw-chain.ts'

/**
 * How sure a rebuilt entry is to be the one that was lost. `same`: what it names is there, byte for byte as it would
 * be written today. `adopted`: the same verdicts, in files that other code has written. `written`: no verdicts were
 * left, so the batch was judged anew.
 */
export type RebuiltBy = 'same' | 'adopted' | 'written'

export interface EntryRebuilderDependencies {
  readonly contracts: ContractVersions
  readonly journal: Journal
  readonly objects: Pick<ObjectStore, 'get' | 'put' | 'list'>
  readonly identify: Identify
  readonly layout: ProductLayout
  readonly retention: Pick<Contract['retention'], 'rawDays' | 'quarantineDays'>
  readonly nowMs: number
  readonly derived: DerivedByBatch
  /** Whether what is missing is written. */
  readonly isWriting: boolean
}

/** What a shard admitted, up to a position. */
interface RememberedShard {
  readonly shard: string
  readonly last: SequenceNumber | undefined
  readonly memory: ShardMemory
}

/** For batches without a row. */
const NOTHING: AdmittedBefore = {
  admittedMinutes: (_identities, count) => new Int32Array(count).fill(NEVER),
}

/** Makes entries from raw, shard after shard, each in chain order. */
export class EntryRebuilder {
  readonly #deps: EntryRebuilderDependencies
  readonly #decoder = new VersionedDecoder()
  readonly #due: DueObjects
  /** Verdicts that were judged anew and not written. */
  readonly #drafts = new Map<string, Uint8Array>()
  #memory: RememberedShard | undefined

  constructor(deps: EntryRebuilderDependencies) {
    this.#deps = deps
    this.#due = new DueObjects(deps.retention, deps.nowMs)
  }

  /** The entry of a raw object, behind its shard's head. What the entry names and is lost is written first. */
  async entryOf(
    registration: ShardRegistration,
    head: JournalEntry | undefined,
    { uri, prev, last, batch: raw }: RawLink,
  ): Promise<{ readonly entry: JournalEntry; readonly how: RebuiltBy }> {
    const { contracts, derived, identify, journal } = this.#deps
    const { shard } = registration
    const known = await derived.verdictsOf(shard, last)
    const inForce = contracts.inForce(raw.contractVersion)
    const remembered =
      known === undefined ? await this.#memoryAt(registration, head, raw) : undefined
    const memory = known === undefined ? (remembered ?? NOTHING) : admittedAgain(known)
    const before =
      head === undefined
        ? await inheritedMaxEventTime(journal, registration)
        : head.maxEventTimeAfter
    // From here to the judgement without a pause: the columns are valid until the next batch is decoded.
    const records = decodeRaw(this.#decoder, inForce, raw)
    const batch = decided(shard, inForce, records)
    const judgement = judge(records, inForce, memory, identify)
    requireSame(uri, known, judgement)
    const written = await this.#derivedOf(batch, judgement, known)
    const { how, ...names } = this.#adopted(shard, batch, known, written)
    const entry = entryOf(batch, { prev, head, uri }, judgement, names, before)
    this.#remember(head, entry, judgement)
    return { entry, how }
  }

  /** What is known before a batch; undefined if it has no row that this could decide about. */
  async #memoryAt(
    registration: ShardRegistration,
    head: JournalEntry | undefined,
    { contractVersion, events }: RawBatch,
  ): Promise<ShardMemory | undefined> {
    const { contracts, journal, objects } = this.#deps
    const { shard } = registration
    const inForce = contracts.inForce(contractVersion)
    const { parts } = this.#decoder.decodeEvents(inForce, events, { shard })
    if (parts.every(({ decoded }) => decoded.batch.rows === 0)) return undefined
    const earliest = events.reduce(
      (least, event) => Math.min(least, event.arrivalMicros),
      Number.POSITIVE_INFINITY,
    )
    const { dedupHorizonMinutes } = inForce.named
    const kept = this.#memory
    const isCurrent =
      kept !== undefined &&
      kept.shard === shard &&
      kept.last === head?.last &&
      kept.memory.horizonMinutes === dedupHorizonMinutes &&
      kept.memory.covers(earliest)
    if (isCurrent) return kept.memory
    const get = async (uri: string) => this.#drafts.get(uri) ?? objects.get(uri)
    const memory = await ShardMemory.load(
      journal,
      { get },
      registration,
      dedupHorizonMinutes,
      earliest,
    )
    this.#memory = { shard, last: head?.last, memory }
    return memory
  }

  /** Moves on what is remembered, as long as it is that of the shard's head. */
  #remember(head: JournalEntry | undefined, entry: JournalEntry, judgement: Judgement): void {
    const kept = this.#memory
    if (kept === undefined) return
    if (kept.shard !== entry.shard || kept.last !== head?.last) this.#memory = undefined
    else {
      kept.memory.admit(judgement.identities, judgement.arrivalMinutes)
      kept.memory.forgetBeyondHorizon(entry.arrival.last)
      this.#memory = { ...kept, last: entry.last }
    }
  }

  /** Writes what is not there. Files of verdicts that are known have had their time: the table has their rows. */
  #derivedOf(
    batch: DecidedBatch,
    judgement: Judgement,
    known: KnownVerdicts | undefined,
  ): Promise<DerivedObjects> {
    const { derived, isWriting, layout, objects } = this.#deps
    const quarantined = derived.quarantineOf(batch.shard, batch.range.last)
    const put = async (uri: string, bytes: Uint8Array) => {
      const isQuarantine = uri.startsWith(quarantinePrefix(layout))
      if (isQuarantine && (quarantined.length > 0 || this.#due.isQuarantineDue(uri))) return
      if (!isQuarantine && known !== undefined) return
      if (isWriting) await objects.put(uri, bytes)
      else if (uri.startsWith(verdictsPrefix(layout))) this.#drafts.set(uri, bytes)
    }
    return writeDerived({ layout, objects: { put } }, batch, judgement)
  }

  #adopted(
    shard: string,
    { range }: DecidedBatch,
    known: KnownVerdicts | undefined,
    { verdictsUri, quarantineUri }: DerivedObjects,
  ): DerivedObjects & { readonly how: RebuiltBy } {
    const verdicts = oneOf(known?.uris ?? [], verdictsUri)
    const quarantine = oneOf(this.#deps.derived.quarantineOf(shard, range.last), quarantineUri)
    const isAdopted = verdicts !== verdictsUri || quarantine !== quarantineUri
    const isWritten = verdictsUri !== undefined && known === undefined
    return {
      // In the order in which the archive writes them down: equal entries are equal text.
      ...(quarantine === undefined ? {} : { quarantineUri: quarantine }),
      ...(verdicts === undefined ? {} : { verdictsUri: verdicts }),
      how: isWritten ? 'written' : isAdopted ? 'adopted' : 'same',
    }
  }
}

/** The name it would have, if that is there or nothing is; else the first that is. */
function oneOf(there: readonly string[], uri: string | undefined): string | undefined {
  if (uri === undefined || there.includes(uri)) return uri
  return there[0] ?? uri
}

function requireSame(uri: string, known: KnownVerdicts | undefined, { counts }: Judgement): void {
  const admitted = known?.arrivalMinutes.length
  if (admitted === undefined || admitted === counts.admitted) return
  throw new PlatformError(
    'raw.otherVerdicts',
    `raw object ${uri} gives ${counts.admitted} admitted events, and the archive admitted ${admitted}: was the product's identity key or contract replaced?`,
  )
}
