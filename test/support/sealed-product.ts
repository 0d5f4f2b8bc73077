import { MemoryJournal } from '#lib/adapters/memory/memory-journal.ts'
import { MemoryObjectStore } from '#lib/adapters/memory/memory-object-store.ts'
import type { Contract } from '#lib/domain/contract/contract.ts'
import { versionsOf } from '#lib/domain/contract/contract-versions.ts'
import { Archive, type ArchiveDependencies } from '#lib/domain/ingest/archive.ts'
import { keyedIdentity } from '#lib/domain/ingest/identity.ts'
import type { JournalEntry } from '#lib/domain/ingest/journal.ts'
import { contractWith, field } from '#test/domain/contract/contract-document.ts'
import { LONE_SHARDS } from './lone-shards.ts'
import { MemorySealing } from './memory-sealing.ts'
import { record } from './trip-events.ts'

const PERSONAL = { classification: 'personal' }

/** A contract with a subject and three personal fields, one of them nested, between others. */
export const RIDES: Contract = contractWith(
  [
    field('fare', 'number', 12, {
      required: true,
      physicalType: 'decimal(10, 2)',
      logicalTypeOptions: { minimum: 0 },
    }),
    field('rider_id', 'string', 13, PERSONAL),
    field('rider_name', 'string', 14, PERSONAL),
    field('zone', 'integer', 15),
    field('rider_email', 'string', 16, { ...PERSONAL, required: false }),
    field('rider_home', 'object', 17, {
      properties: [field('street', 'string', 18, PERSONAL), field('floor', 'integer', 19)],
    }),
  ],
  { custom: [['weir.subject', 'rider_id']] },
)

export const SHARD = 'shardId-000000000000'

/** The data of a ride as JSON text: what is given in place of what one usually has. */
export function rideText(id: string, data: Readonly<Record<string, unknown>> = {}): string {
  return JSON.stringify({
    specversion: '1.0',
    id,
    source: '/rides',
    type: 'test.happened',
    data: {
      at: '2026-01-01T12:00:00Z',
      key: 'north',
      rider_name: 'Ada Planted-Name',
      fare: 12.5,
      rider_id: 'rider-planted-1',
      zone: 7,
      rider_email: 'planted@example.com',
      rider_home: { street: '1 Planted Street', floor: 3 },
      ...data,
    },
  })
}

/** A cell of that product in memory. */
export class SealedCell {
  readonly clock = { ms: Date.UTC(2026, 0, 1), nowMs: () => this.clock.ms }
  readonly keys = new MemorySealing(this.clock)
  readonly objects = new MemoryObjectStore({ clock: this.clock })
  readonly journal = new MemoryJournal()
  readonly layout = { bucket: 'bucket', region: 'us-east-1', product: RIDES.product }
  readonly identify = keyedIdentity(new Uint8Array(32))
  readonly contracts = versionsOf([RIDES])
  #sequence = 0

  archive(changed: Partial<ArchiveDependencies> = {}): Archive {
    return new Archive({
      contracts: this.contracts,
      journal: this.journal,
      objects: this.objects,
      lineage: LONE_SHARDS,
      identify: this.identify,
      layout: this.layout,
      undecodableKeyId: 'undecodable-key',
      sealing: this.keys.process(),
      ...changed,
    })
  }

  /** A record of each of these bodies, behind those before. */
  records(...bodies: readonly string[]) {
    return bodies.map((body) => record(++this.#sequence, body))
  }

  /** Sends each of these as a record, through a cold process. */
  send(...bodies: readonly string[]): Promise<readonly JournalEntry[]> {
    return this.archive().take(SHARD, this.records(...bodies))
  }

  /** Every stored object by its name. */
  async content(): Promise<ReadonlyMap<string, Buffer>> {
    const content = new Map<string, Buffer>()
    for await (const { uri } of this.objects.list('')) {
      content.set(uri, Buffer.from(await this.objects.get(uri)))
    }
    return content
  }
}
