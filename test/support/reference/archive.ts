import type { Contract } from '#lib/domain/contract/contract.ts'
import { partitionSpecOf, tableNameOf, tableSchemaOf } from '#lib/domain/contract/table-columns.ts'
import { majorOf } from '#lib/domain/contract/version.ts'
import type { ArchiveDependencies } from '#lib/domain/ingest/archive.ts'
import type { EncodedRecord } from '#lib/domain/ingest/decoder/decoder.ts'
import type { JournalEntry, ShardRegistration } from '#lib/domain/ingest/journal.ts'
import {
  curatedUri,
  quarantineUri,
  rawUri,
  undecodableUri,
  verdictsUri,
} from '#lib/domain/ingest/layout.ts'
import { inheritedMaxEventTime, shardRegistration } from '#lib/domain/ingest/lineage.ts'
import { nextMajorStarts } from '#lib/domain/ingest/major-starts.ts'
import type { RawEvent } from '#lib/domain/ingest/raw-event.ts'
import { decodeRawBatch, type RawBatch } from '#lib/domain/ingest/raw-object.ts'
import { type CuratedFile, encodeVerdicts } from '#lib/domain/ingest/verdicts-object.ts'
import { MAX_INFLATED_BYTES, type StreamRecord, unpackRecord } from '#lib/domain/ingest/wire.ts'
import { contentHash } from '#lib/domain/kernel/content-hash.ts'
import { inParallel } from '#lib/domain/kernel/in-parallel.ts'
import { isAfter, type Predecessor, START } from '#lib/domain/kernel/sequence-number.ts'
import { dateOf } from '#lib/domain/kernel/time.ts'
import { dataFile } from '#lib/domain/lake/data-file.ts'
import { judge, type ReferenceJudgement } from './judge.ts'
import { encodeParquet } from './parquet.ts'
import { partitionRows } from './partition.ts'
import { encodeQuarantine } from './quarantine-file.ts'
import { encodeRawBatch, rangeOf } from './raw-object.ts'
import { ReferenceMemory } from './shard-memory.ts'
import { takeRows } from './take-rows.ts'

/** Inflated bytes that one raw object takes at most: the bound on memory, whatever a record holds. */
const MAX_RAW_BYTES = 32 * 1024 * 1024

/**
 * Events that one raw object takes at most. Judging costs memory per event, however small it is, and what raw has
 * decided no retry can make smaller.
 */
const MAX_RAW_EVENTS = 50_000

/** Files of one batch that are written side by side: as many days as it has. */
const WRITES_AT_ONCE = 32

/**
 * The archive as plainly as it can be written: every record unpacked to texts, every text parsed, an object per event.
 * What it leaves in the stores is what the archive must leave there, byte for byte.
 */
export class ReferenceArchive {
  readonly #deps: ArchiveDependencies
  readonly #shards = new Map<string, { head: JournalEntry; memory: ReferenceMemory }>()

  constructor(deps: ArchiveDependencies) {
    this.#deps = deps
  }

  /** See `Archive.take`. */
  async take(shard: string, given: readonly EncodedRecord[]): Promise<readonly JournalEntry[]> {
    const records = given.map(({ data, ...place }): StreamRecord => {
      return { ...place, data: typeof data === 'string' ? Buffer.from(data, 'base64') : data }
    })
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
    const memory = await this.#memoryAt(registration, head, inForce.named)
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
      judgement.arrivalMinutes.forEach((minute, row) => {
        memory.admit(judgement.identities.subarray(row * 16, row * 16 + 16), minute)
      })
    } else {
      await memory.remember(entry, objects)
    }
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
  ): Promise<ReferenceMemory> {
    const { journal, objects } = this.#deps
    const kept = this.#shards.get(registration.shard)
    const { dedupHorizonMinutes } = contract
    if (kept?.head === head && kept?.memory.horizonMinutes === dedupHorizonMinutes) {
      return kept.memory
    }
    return ReferenceMemory.load(journal, objects, registration, dedupHorizonMinutes)
  }

  async #writeDerived(raw: RawBatch, judgement: ReferenceJudgement): Promise<DerivedObjects> {
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
  judgement: ReferenceJudgement,
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

function admittedByMajor({ admitted }: ReferenceJudgement): Record<string, number> {
  const rows = admitted.map(({ contract, batch }) => [majorOf(contract.version), batch.rows])
  return Object.fromEntries(rows)
}

function greatest(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined) return b
  return b === undefined ? a : Math.max(a, b)
}
