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
const SHARD = 'shardId-000000000000'
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
    eventID: `${SHARD}:${digits}`,
    kinesis: {
      sequenceNumber: digits,
      approximateArrivalTimestamp: arrivalMs / 1000,
      data: Buffer.from(data).toString('base64'),
      partitionKey: '1',
    },
  }
}

interface Run {
  readonly nsPerEvent: number
  /** A digest of everything that the stores hold then. */
  readonly content: string
}

/** A process's worth of invocations on empty stores. */
async function archiveAll(
  make: (deps: ArchiveDependencies) => Archive | ReferenceArchive,
  contract: Contract,
  events: readonly KinesisStreamEvent[],
): Promise<Run> {
  const objects = new MemoryObjectStore({ clock: { nowMs: () => 0 } })
  const journal = new MemoryJournal()
  const archive = make({
    contracts: versionsOf([contract]),
    journal,
    objects,
    lineage: { parents: async () => new Map() },
    identify: keyedIdentity(new Uint8Array(32)),
    layout: { bucket: 'bucket', region: 'us-east-1', product: contract.product },
    undecodableKeyId: 'key',
  })
  const handler = makeHandler({ archive, log: silent })
  const before = process.cpuUsage()
  for (const event of events) await handler(event)
  const { user, system } = process.cpuUsage(before)
  const nsPerEvent = ((user + system) * 1_000) / (EVENTS_PER_INVOCATION * INVOCATIONS)
  const parts = [JSON.stringify(await journal.entriesAfter(SHARD, 'start', 1_000))]
  for await (const { uri } of objects.list('')) {
    parts.push(`${uri} ${contentHash(await objects.get(uri))}`)
  }
  return { nsPerEvent, content: contentHash(Buffer.from(parts.join('\n'))) }
}

async function measure(name: Case): Promise<ArchiveTimes> {
  const contract = tripsContract()
  const events = lambdaEvents(name)
  const times = { archive: [] as number[], reference: [] as number[] }
  const contents = new Set<string>()
  const runs = {
    archive: () => archiveAll((deps) => new Archive(deps), contract, events),
    reference: () => archiveAll((deps) => new ReferenceArchive(deps), contract, events),
  }
  for (let repeat = -WARM_UP; repeat < REPEATS; repeat++) {
    for (const one of ['archive', 'reference'] as const) {
      const { nsPerEvent, content } = await runs[one]()
      contents.add(content)
      if (repeat >= 0) times[one].push(nsPerEvent)
    }
  }
  return {
    archive: median(times.archive),
    reference: median(times.reference),
    equal: contents.size === 1,
  }
}

process.stdout.write(JSON.stringify(await measure(process.argv[2] as Case)))
