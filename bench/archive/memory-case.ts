import { readFileSync, writeFileSync } from 'node:fs'
import { zstdCompressSync } from 'node:zlib'
import { MemoryJournal } from '#lib/adapters/memory/memory-journal.ts'
import type { Contract } from '#lib/domain/contract/contract.ts'
import { versionsOf } from '#lib/domain/contract/contract-versions.ts'
import { Archive } from '#lib/domain/ingest/archive.ts'
import type { EncodedRecord } from '#lib/domain/ingest/decoder/decoder.ts'
import { keyedIdentity } from '#lib/domain/ingest/identity.ts'
import type { ObjectStore } from '#lib/domain/kernel/object-store.ts'
import { sequenceNumber } from '#lib/domain/kernel/sequence-number.ts'
import { LONE_SHARDS } from '#test/support/lone-shards.ts'
import { ReferenceArchive } from '#test/support/reference/archive.ts'
import type { MemoryCase } from '../archive.ts'
import { tripsContract } from '../cost/setting.ts'
import { liveTrips } from '../cost/workload.ts'

const EVENTS = 10_000
const PAYLOAD_BYTES = 10_000_000
const ARRIVAL_MS = Date.UTC(2026, 0, 15, 15)
const contract = tripsContract()
/** What is left of it takes the smallest events. */
const tiny: Contract = {
  ...contract,
  eventType: 't',
  fields: contract.fields.filter((field) => field.name === contract.eventTime),
  rowRules: [],
}

const next = liveTrips(3)
/** Without what only fills it up. */
const trip = (i: number) =>
  next(ARRIVAL_MS)
    .text.replace(/"tracestate":"[^"]*",/, '')
    .replace(/"id":"[^"]*"/, `"id":"${i}"`)

/** The worst that Lambda hands over at once, each in its way. */
const CASES: Readonly<Record<MemoryCase, () => readonly Uint8Array[]>> = {
  'tiny and rejected': () =>
    repeated(
      40,
      compressed(EVENTS, () => '1'),
    ),
  'tiny and accepted': () =>
    Array.from({ length: 40 }, (_, k) =>
      compressed(
        EVENTS,
        (i) =>
          `{"specversion":"1.0","id":"${k * EVENTS + i}","source":"s","type":"t","data":{"${contract.eventTime}":"2026-01-15 15:00:00"}}`,
      ),
    ),
  'trips, compressed': () => {
    const bodies: Uint8Array[] = []
    for (let bytes = 0; bytes < 0.75 * PAYLOAD_BYTES; bytes += bodies.at(-1)!.length) {
      const first = 1_000 * bodies.length
      bodies.push(compressed(1_000, (i) => trip(first + i)))
    }
    return bodies
  },
  'trips, plain': () =>
    Array.from({ length: (0.75 * PAYLOAD_BYTES) / 600 }, (_, i) => Buffer.from(trip(i))),
  'three bytes a letter': () => {
    const pad = '東'.repeat(300)
    return Array.from({ length: 8 }, (_, k) =>
      compressed(EVENTS, (i) =>
        trip(k * EVENTS + i)
          .replace('{', `{"pad":"${pad}",`)
          .slice(0),
      ),
    )
  },
  'bombs that are no JSON': () =>
    repeated(40, zstdCompressSync(Buffer.alloc((16 << 20) - 1, 0x78))),
}

function compressed(count: number, event: (i: number) => string): Uint8Array {
  return zstdCompressSync(`[${Array.from({ length: count }, (_, i) => event(i)).join(',')}]`)
}

function repeated(count: number, body: Uint8Array): Uint8Array[] {
  return Array.from({ length: count }, () => body)
}

/** Keeps nothing: what is measured is the archive. */
const nowhere: ObjectStore = {
  get: () => Promise.reject(new Error('nothing is kept')),
  put: async () => {},
  putIfAbsent: async () => 'created',
  async *list() {},
}

const [step, name, file] = process.argv.slice(2) as [
  'make' | 'archive' | 'reference',
  MemoryCase,
  string,
]
if (step === 'make') {
  // In a process of its own: what it takes to make them must not count.
  const bodies = CASES[name]().map((bytes) => Buffer.from(bytes).toString('base64'))
  writeFileSync(file, JSON.stringify(bodies))
  process.exit()
}
const bodies: string[] = JSON.parse(readFileSync(file, 'utf8'))
const records = bodies.map(
  (data, i): EncodedRecord => ({
    sequence: sequenceNumber(String(49_600_000_000_000_000_000n + BigInt(i))),
    arrivalMicros: ARRIVAL_MS * 1_000,
    data,
  }),
)
const deps = {
  contracts: versionsOf([name === 'tiny and accepted' ? tiny : contract]),
  journal: new MemoryJournal(),
  objects: nowhere,
  lineage: LONE_SHARDS,
  identify: keyedIdentity(new Uint8Array(32)),
  layout: { bucket: 'bucket', region: 'us-east-1', product: contract.product },
  undecodableKeyId: 'key',
}
const archive = step === 'archive' ? new Archive(deps) : new ReferenceArchive(deps)
await archive.take('shardId-000000000000', records)
process.stdout.write(String(process.resourceUsage().maxRSS / 1_024))
