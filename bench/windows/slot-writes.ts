import { Buffer } from 'node:buffer'
import type { Slot } from '#lib/domain/process/slot-store.ts'
import { usdOf } from '../cost/prices.ts'

const MILLION = 1_000_000
const BYTES_PER_UNIT = 1024

/** What slots cost when their events gather so long before they are written. */
export interface SlotWrites {
  readonly gatheringSeconds: number
  readonly perEvent: number
  readonly usdPerMillionEvents: number
}

/** Of events in arrival order: a slot is written once for all that gathers for it. */
export function slotWrites(
  events: Iterable<{ readonly user: string; readonly ms: number }>,
  windowMs: number,
  eventsPerSecond: number,
  gatheringSeconds: readonly number[],
): readonly SlotWrites[] {
  const counted = gatheringSeconds.map((seconds) => {
    return { seconds, gathered: new Set<string>(), interval: 0, writes: 0 }
  })
  let count = 0
  for (const { user, ms } of events) {
    const arrival = count++ / eventsPerSecond
    const slot = `${Math.floor(ms / windowMs)}/${user}`
    for (const one of counted) {
      const interval = Math.floor(arrival / one.seconds)
      if (interval !== one.interval) {
        one.writes += one.gathered.size
        one.gathered.clear()
        one.interval = interval
      }
      one.gathered.add(slot)
    }
  }
  return counted.map(({ seconds, gathered, writes }) => {
    const perEvent = (writes + gathered.size) / count
    return {
      gatheringSeconds: seconds,
      perEvent: Number(perEvent.toFixed(3)),
      usdPerMillionEvents: Number(usdOf('dynamodb.writeUnits', perEvent * MILLION).toFixed(3)),
    }
  })
}

/** Bytes of a slot's item as DynamoDB counts them: names and values of its attributes. */
export function itemBytes(slot: Slot): number {
  const numberBytes = (value: number) => Math.ceil(String(value).length / 2) + 1
  const attributes: Readonly<Record<string, number>> = {
    pk: Buffer.byteLength(`slot#${slot.view}#${slot.key}`),
    sk: Buffer.byteLength(`2026-01-01T00:00:00.000Z#${slot.shard}`),
    states: Buffer.byteLength(JSON.stringify(slot.states)),
    sequence: slot.sequence.length,
    firstEvent: numberBytes(slot.eventTime.min),
    lastEvent: numberBytes(slot.eventTime.max),
    computedAt: numberBytes(slot.computedAtMs),
  }
  const bytes = Object.entries(attributes).reduce(
    (sum, [name, size]) => sum + name.length + size,
    0,
  )
  if (bytes > BYTES_PER_UNIT) throw new Error(`an item of ${bytes} bytes takes more than one unit`)
  return bytes
}
