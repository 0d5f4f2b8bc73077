import { Temporal } from 'temporal-polyfill'

/** Offsets change at the full quarter of an hour. */
const STEP_SECONDS = 900
const MOST_REMEMBERED = 100_000

const offsets = new Map<string, Map<number, number>>()

/** What a zone's wall clock shows, in whole seconds of the epoch as if it were UTC. The zone is a known one. */
export function utcToLocal(zone: string, seconds: number): number {
  return zone === 'UTC' ? seconds : seconds + offsetAt(zone, Math.floor(seconds / STEP_SECONDS))
}

function offsetAt(zone: string, step: number): number {
  let ofZone = offsets.get(zone)
  if (ofZone === undefined || ofZone.size > MOST_REMEMBERED) {
    ofZone = new Map()
    offsets.set(zone, ofZone)
  }
  const known = ofZone.get(step)
  if (known !== undefined) return known
  const at = Temporal.Instant.fromEpochMilliseconds(step * STEP_SECONDS * 1000)
  const offset = Math.round(at.toZonedDateTimeISO(zone).offsetNanoseconds / 1e9)
  ofZone.set(step, offset)
  return offset
}
