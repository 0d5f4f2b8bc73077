import { zstdCompressSync } from 'node:zlib'
import type { KinesisStreamEvent } from 'aws-lambda'
import { makeHandler } from '#functions/ingest/archive-events/handler.ts'
import { MemoryJournal } from '#lib/adapters/memory/memory-journal.ts'
import { MemoryObjectStore } from '#lib/adapters/memory/memory-object-store.ts'
import type { Contract } from '#lib/domain/contract/contract.ts'
import { versionsOf } from '#lib/domain/contract/contract-versions.ts'
import { Archive, type ArchiveDependencies } from '#lib/domain/ingest/archive.ts'
import { keyedIdentity } from '#lib/domain/ingest/identity.ts'
import { contentHash } from '#lib/domain/kernel/content-hash.ts'
import { LONE_SHARDS } from '#test/support/lone-shards.ts'
import { ReferenceArchive } from '#test/support/reference/archive.ts'
import type { Case } from '../archive.ts'
import { tripsContract } from '../cost/setting.ts'
import { liveTrips } from '../cost/workload.ts'
import { median } from '../decode/median.ts'

/** Medians, in nanoseconds of processor time per event. */
export interface ArchiveTimes {
  readonly archive: number
  readonly reference: number
  readonly equal: boolean
}

const EVENTS_PER_INVOCATION = 4_000
const INVOCATIONS = 4
const EVENTS_PER_RECORD = 100
const WARM_UP = 3
const REPEATS = 7
const ARRIVAL_MS = Date.UTC(2026, 0, 15, 15)
const silent = { info() {}, warn() {}, error() {} }

/** What Lambda is given, in order: an event of Kinesis records per invocation. */
function lambdaEvents(name: Case): KinesisStreamEvent[] {
  const next = liveTrips(3)
  const perRecord = name === 'single' ? 1 : EVENTS_PER_RECORD
  let position = 0
  return Array.from({ length: INVOCATIONS }, (_, invocation) => ({
    Records: Array.from({ length: EVENTS_PER_INVOCATION / perRecord }, () => {
      const nowMs = ARRIVAL_MS + 2_000 * invocation + (position % 2_000)
      const texts = Array.from({ length: perRecord }, () => next(nowMs).text)
      const bytes = Buffer.from(name === 'single' ? texts[0]! : `[${texts.join(',')}]`)
      const data = name === 'zstd' ? zstdCompressSync(bytes) : bytes
      return kinesisRecord(position++, nowMs, data)
    }),
  })) as KinesisStreamEvent[]
}

function kinesisRecord(position: number, arrivalMs: number, data: Uint8Array) {
  const digits = String(
    49_600_000_000_000_000_000_000_000_000_000_000_000_000_000n + BigInt(position),
  )
  return {
    eventID: `shard:${digits}`,
    kinesis: {
      sequenceNumber: digits,
      approximateArrivalTimestamp: arrivalMs / 1000,
      data: Buffer.from(data).toString('base64'),
      partitionKey: '1',
    },
  }
}

/** An archive on stores in memory: a warm process, which is given one shard after another. */
class WarmArchive {
  readonly #objects = new MemoryObjectStore({ clock: { nowMs: () => 0 } })
  readonly #journal = new MemoryJournal()
  readonly #handler: ReturnType<typeof makeHandler>
  readonly nsPerEvent: number[] = []

  constructor(make: (deps: ArchiveDependencies) => Archive | ReferenceArchive, contract: Contract) {
    const archive = make({
      contracts: versionsOf([contract]),
      journal: this.#journal,
      objects: this.#objects,
      lineage: LONE_SHARDS,
      identify: keyedIdentity(new Uint8Array(32)),
      layout: { bucket: 'bucket', region: 'us-east-1', product: contract.product },
      undecodableKeyId: 'key',
    })
    this.#handler = makeHandler({ archive, log: silent })
  }

  async take(events: readonly KinesisStreamEvent[]): Promise<void> {
    const before = process.cpuUsage()
    for (const event of events) await this.#handler(event)
    const { user, system } = process.cpuUsage(before)
    this.nsPerEvent.push(((user + system) * 1_000) / (EVENTS_PER_INVOCATION * INVOCATIONS))
  }

  /** A digest of everything that the stores hold. */
  async content(): Promise<string> {
    const parts: string[] = []
    for (const { shard } of await this.#journal.shards()) {
      parts.push(JSON.stringify(await this.#journal.entriesAfter(shard, 'start', 1_000)))
    }
    for await (const { uri } of this.#objects.list('')) {
      parts.push(`${uri} ${contentHash(await this.#objects.get(uri))}`)
    }
    return contentHash(Buffer.from(parts.join('\n')))
  }
}

/** The same records as those of a shard. */
function ofShard(shard: string, events: readonly KinesisStreamEvent[]): KinesisStreamEvent[] {
  return events.map(({ Records }) => ({
    Records: Records.map((record) => ({
      ...record,
      eventID: `${shard}:${record.kinesis.sequenceNumber}`,
    })),
  }))
}

async function measure(name: Case): Promise<ArchiveTimes> {
  const contract = tripsContract()
  const events = lambdaEvents(name)
  const ours = new WarmArchive((deps) => new Archive(deps), contract)
  const theirs = new WarmArchive((deps) => new ReferenceArchive(deps), contract)
  for (let repeat = 0; repeat < WARM_UP + REPEATS; repeat++) {
    const delivered = ofShard(`shardId-${String(repeat).padStart(12, '0')}`, events)
    await ours.take(delivered)
    await theirs.take(delivered)
  }
  return {
    archive: median(ours.nsPerEvent.slice(WARM_UP)),
    reference: median(theirs.nsPerEvent.slice(WARM_UP)),
    equal: (await ours.content()) === (await theirs.content()),
  }
}

process.stdout.write(JSON.stringify(await measure(process.argv[2] as Case)))
