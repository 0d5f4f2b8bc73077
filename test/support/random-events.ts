import type { Contract } from '#lib/domain/contract/contract.ts'
import { sequenceNumber } from '#lib/domain/kernel/sequence-number.ts'
import type { Random } from '#lib/domain/ops/seeded-random.ts'
import { contractWith, field } from '#test/domain/contract/contract-document.ts'
import type { MemoryCell } from './memory-cell.ts'

const required = { required: true }
const plain = contractWith([
  field('zone', 'integer', 12, { physicalType: 'int' }),
  field('total', 'integer', 13, { logicalTypeOptions: { format: 'i64' } }),
  field('price', 'number', 14, { physicalType: 'decimal(10, 2)' }),
  field('share', 'number', 15, { physicalType: 'double' }),
  field('flag', 'boolean', 16),
  field('other_at', 'timestamp', 17, required),
])

/** A contract with a field of each kind, as `RandomViews` wants one. */
export const eventContract: Contract = {
  ...plain,
  fields: plain.fields.map((one) =>
    one.name === 'key' ? { ...one, constraints: { ...one.constraints, maxLength: 40 } } : one,
  ),
}

export const KEY_FIELDS = ['key', 'zone', 'flag']

export interface MadeEvent {
  readonly id: string
  /** Milliseconds since the epoch. */
  readonly atMs: number
  readonly key: string
  readonly price?: number
}

/** Events by chance in `days` days from a time on, each a CloudEvent's text. */
export function randomEvents(
  random: Random,
  { startMs, days, count }: { startMs: number; days: number; count: number },
): readonly string[] {
  const below = (bound: number) => Math.floor(random() * bound)
  return Array.from({ length: count }, (_, at) => {
    const atMs = startMs + below(days) * 86_400_000 + below(2_000) * 1000 + below(4) * 250
    return eventText({ id: `event ${at}`, atMs, key: ['a', 'ä', "b'c", 'd e'][below(4)]! }, random)
  })
}

export function eventText({ id, atMs, key, price }: MadeEvent, random: Random): string {
  const maybe = <T>(value: () => T): T | null => (random() < 0.15 ? null : value())
  const below = (bound: number) => Math.floor(random() * bound)
  return JSON.stringify({
    specversion: '1.0',
    id,
    source: '/test',
    type: eventContract.eventType,
    data: {
      at: new Date(atMs).toISOString(),
      key,
      zone: maybe(() => below(4) - 1),
      total: maybe(() => (random() < 0.02 ? 2 ** 53 - 1 - below(9) : below(1000) - 300)),
      price: price ?? maybe(() => (below(100_000) - 20_000) / 100),
      share: maybe(() => below(64) / 16 - 1),
      flag: maybe(() => random() < 0.5),
      other_at: new Date(atMs - below(100_000)).toISOString(),
    },
  })
}

let fed = 10n ** 15n

/** Archives events in two shards, so many at once, and commits them to the curated table. */
export async function feed(
  cell: MemoryCell,
  texts: readonly string[],
  { arrivalMs, atOnce = 40 }: { readonly arrivalMs: number; readonly atOnce?: number },
): Promise<void> {
  const records = texts.map((text, at) => ({
    sequence: sequenceNumber(String(fed++)),
    arrivalMicros: arrivalMs * 1000 + at,
    data: Buffer.from(text),
  }))
  const ofShards = Map.groupBy(records, (one) => `shard-${Number(one.arrivalMicros % 2)}`)
  for (let start = 0; start < texts.length; start += atOnce) {
    for (const [shard, all] of ofShards) {
      const some = all.slice(start, start + atOnce)
      if (some.length > 0) await cell.archive().take(shard, some)
    }
    await cell.commit()
  }
}
