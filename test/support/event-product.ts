import type { Contract } from '#lib/domain/contract/contract.ts'
import type { StreamRecord } from '#lib/domain/ingest/wire.ts'
import { sequenceNumber } from '#lib/domain/kernel/sequence-number.ts'
import { contractWith, field } from '../domain/contract/contract-document.ts'

export interface TestEvent {
  readonly id: string
  readonly key: string
  /** UTC micros. */
  readonly time: number
  /** Hundredths. */
  readonly amount: number
}

/** A product of keyed amounts, for whoever is about event time and nothing else. */
export function eventContract(changes: Partial<Contract> = {}): Contract {
  const amount = field('amount', 'number', 12, { required: true, physicalType: 'decimal(10, 2)' })
  const { fields, ...contract } = contractWith([amount])
  const named = fields.map((one) =>
    one.name === 'key' ? { ...one, constraints: { ...one.constraints, maxLength: 40 } } : one,
  )
  return { ...contract, fields: named, ...changes }
}

/** The record of these events at a place of its shard. */
export function eventRecord(
  sequence: number,
  arrivalMicros: number,
  eventType: string,
  events: readonly TestEvent[],
): StreamRecord {
  const texts = events.map(({ id, key, time, amount }) =>
    JSON.stringify({
      specversion: '1.0',
      id,
      source: '/test',
      type: eventType,
      data: { at: new Date(time / 1000).toISOString(), key, amount: amount / 100 },
    }),
  )
  return {
    sequence: sequenceNumber(String(49_000_000_000_000_000n + BigInt(sequence))),
    arrivalMicros,
    data: Buffer.from(`[${texts.join(',')}]`),
  }
}
