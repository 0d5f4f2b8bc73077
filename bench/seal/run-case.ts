import { createSecretKey, randomBytes } from 'node:crypto'
import { zstdCompressSync } from 'node:zlib'
import type { KinesisStreamEvent } from 'aws-lambda'
import { makeHandler } from '#functions/ingest/archive-events/handler.ts'
import { MemoryJournal } from '#lib/adapters/memory/memory-journal.ts'
import { MemoryObjectStore } from '#lib/adapters/memory/memory-object-store.ts'
import { systemRandom } from '#lib/adapters/system/system.ts'
import type { Contract, Field } from '#lib/domain/contract/contract.ts'
import { versionsOf } from '#lib/domain/contract/contract-versions.ts'
import { Archive } from '#lib/domain/ingest/archive.ts'
import { keyedIdentity } from '#lib/domain/ingest/identity.ts'
import type { Sealing } from '#lib/domain/privacy/seal-records.ts'
import { sealGroup } from '#lib/domain/privacy/sealed-group.ts'
import { LONE_SHARDS } from '#test/support/lone-shards.ts'
import { MemorySealing } from '#test/support/memory-sealing.ts'
import { tripsContract } from '../cost/setting.ts'
import { liveTrips } from '../cost/workload.ts'
import { median } from '../decode/median.ts'

/** Medians, in nanoseconds of processor time per event. */
export interface SealTimes {
  readonly sealed: number
  readonly unsealed: number
  readonly perPerson: number
  readonly perEvent: number
  /** Whether both archives counted the same. */
  readonly equal: boolean
}

const EVENTS = 4_000
const EVENTS_PER_RECORD = 100
const WARM_UP = 4
const REPEATS = 9
const ARRIVAL_MS = Date.UTC(2026, 0, 15, 15)
const silent = { info() {}, warn() {}, error() {} }
const NAMES = ['rider_id', 'rider_name', 'rider_email', 'rider_phone'] as const

const eventsPerPerson = Number(process.argv[2])
const people = EVENTS / eventsPerPerson

/** A rider of the trip, as its values come. */
function riderOf(trip: number): readonly string[] {
  const person = trip % people
  return [
    `rider-${person}`,
    `Grace Haddad ${person}`,
    `grace.haddad.${person}@example.com`,
    `+1 212 555 01${person % 100}`,
  ]
}

function contractOf(isPersonal: boolean): Contract {
  const contract = tripsContract()
  const riders = NAMES.map(
    (name, i): Field => ({
      id: 31 + i,
      name,
      type: { kind: 'string' },
      required: false,
      description: '',
      personal: isPersonal,
      constraints: {},
    }),
  )
  const subject = isPersonal ? { subject: 'rider_id' } : {}
  return { ...contract, ...subject, fields: [...contract.fields, ...riders] }
}

/** Events of 1 KiB, the rider among them in place of what only fills them up. */
function lambdaEvent(): KinesisStreamEvent {
  const next = liveTrips(3)
  let trip = 0
  const Records = Array.from({ length: EVENTS / EVENTS_PER_RECORD }, (_, position) => {
    const texts = Array.from({ length: EVENTS_PER_RECORD }, () => {
      const values = riderOf(trip++)
      const members = NAMES.map((name, i) => `,"${name}":${JSON.stringify(values[i])}`).join('')
      const { text } = next(ARRIVAL_MS)
      const filled = text.replace(
        /"tracestate":"[^"]*"/,
        (state) => `${state.slice(0, -1 - members.length)}"`,
      )
      return `${filled.slice(0, -2)}${members}}}`
    })
    return {
      eventID: `shard:${position}`,
      kinesis: {
        sequenceNumber: String(49_600_000_000_000_000_000_000_000n + BigInt(position)),
        approximateArrivalTimestamp: ARRIVAL_MS / 1000,
        data: zstdCompressSync(`[${texts.join(',')}]`).toString('base64'),
        partitionKey: '1',
      },
    }
  })
  return { Records } as unknown as KinesisStreamEvent
}

class WarmArchive {
  readonly times: number[] = []
  readonly #journal = new MemoryJournal()
  readonly #handler: ReturnType<typeof makeHandler>

  constructor(contract: Contract, sealing?: Sealing) {
    const archive = new Archive({
      contracts: versionsOf([contract]),
      journal: this.#journal,
      objects: new MemoryObjectStore({ clock: { nowMs: () => 0 } }),
      lineage: LONE_SHARDS,
      identify: keyedIdentity(new Uint8Array(32)),
      layout: { bucket: 'bucket', region: 'us-east-1', product: contract.product },
      undecodableKeyId: 'key',
      ...(sealing === undefined ? {} : { sealing }),
    })
    this.#handler = makeHandler({ archive, log: silent })
  }

  async take(shard: string, { Records }: KinesisStreamEvent): Promise<void> {
    const records = Records.map((record) => ({
      ...record,
      eventID: `${shard}:${record.kinesis.sequenceNumber}`,
    }))
    this.times.push(await nsPerEvent(() => this.#handler({ Records: records })))
  }

  async counts(): Promise<string> {
    const shards = await this.#journal.shards()
    const entries = shards.map(({ shard }) => this.#journal.entriesAfter(shard, 'start', 10))
    return JSON.stringify((await Promise.all(entries)).flat().map(({ counts }) => counts))
  }
}

async function nsPerEvent(work: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage()
  await work()
  const { user, system } = process.cpuUsage(before)
  return ((user + system) * 1000) / EVENTS
}

/** Seals the values of all events in groups of so many, each under the key of its person. */
function sealAll(keys: readonly Parameters<typeof sealGroup>[0][], perGroup: number): void {
  for (let person = 0; person < people; person++) {
    for (let first = 0; first < eventsPerPerson; first += perGroup) {
      const values = Array.from({ length: perGroup }, (_, i) =>
        riderOf(person + (first + i) * people),
      )
      const places = values.map((_, index) => ({ sequence: '00211' as never, index }))
      const group = { product: 'trips', shard: 'shard', token: 'token', fields: NAMES, places }
      sealGroup(keys[person]!, group, systemRandom(12), Buffer.from(JSON.stringify(values)))
    }
  }
}

async function measure(): Promise<SealTimes> {
  const event = lambdaEvent()
  const keys = new MemorySealing({ nowMs: () => ARRIVAL_MS })
  const sealed = new WarmArchive(contractOf(true), { ...keys.process(), random: systemRandom })
  const unsealed = new WarmArchive(contractOf(false))
  const secrets = Array.from({ length: people }, () => ({
    key: createSecretKey(randomBytes(32)),
    version: 1,
  }))
  const alone: Record<'perPerson' | 'perEvent', number[]> = {
    perPerson: [],
    perEvent: [],
  }
  for (let repeat = 0; repeat < WARM_UP + REPEATS; repeat++) {
    const shard = `shardId-${String(repeat).padStart(12, '0')}`
    await sealed.take(shard, event)
    await unsealed.take(shard, event)
    alone.perPerson.push(await nsPerEvent(async () => sealAll(secrets, eventsPerPerson)))
    alone.perEvent.push(await nsPerEvent(async () => sealAll(secrets, 1)))
  }
  const warm = (times: readonly number[]) => median(times.slice(WARM_UP))
  return {
    sealed: warm(sealed.times),
    unsealed: warm(unsealed.times),
    perPerson: warm(alone.perPerson),
    perEvent: warm(alone.perEvent),
    equal: (await sealed.counts()) === (await unsealed.counts()),
  }
}

process.stdout.write(JSON.stringify(await measure()))
