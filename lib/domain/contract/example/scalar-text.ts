import { localToUtc } from '#lib/domain/kernel/local-time.ts'
import type { FieldType } from '../contract.ts'
import { decimalText } from '../decimal-text.ts'
import type { Scalar } from '../scalar.ts'

const MICROS = 1_000_000n
const DAY_MS = 86_400_000

/** A value as an event's JSON writes it: the inverse of reading one, and only as good as the value is one of the type. */
export function scalarText(type: FieldType, value: Scalar): string {
  switch (type.kind) {
    case 'int':
    case 'long':
      return decimalText(value as bigint, 0)
    case 'decimal':
      return decimalText(value as bigint, type.scale)
    case 'double':
      return String(value)
    case 'date':
      return JSON.stringify(dateText(value as number))
    case 'timestamp':
      return JSON.stringify(
        type.localZone === undefined
          ? `${instantText(value as bigint, 'T')}Z`
          : instantText(wallMicros(value as bigint, type.localZone), ' '),
      )
    default:
      return JSON.stringify(value)
  }
}

function dateText(days: number): string {
  return new Date(days * DAY_MS).toISOString().slice(0, 10)
}

function instantText(micros: bigint, between: string): string {
  const seconds = floorDiv(micros, MICROS)
  const fraction = String(micros - seconds * MICROS).padStart(6, '0')
  const [date, time] = new Date(Number(seconds) * 1_000).toISOString().slice(0, 19).split('T')
  return `${date}${between}${time}${fraction === '000000' ? '' : `.${fraction.replace(/0+$/, '')}`}`
}

/** What a clock in the zone shows then, as if it were UTC; where clocks go back, maybe an hour too early or too late. */
function wallMicros(utc: bigint, zone: string): bigint {
  const toUtc = localToUtc(zone)
  const offset = (wall: bigint) => wall - BigInt(toUtc(Number(floorDiv(wall, MICROS)))) * MICROS
  const wholeSeconds = floorDiv(utc, MICROS) * MICROS
  const near = wholeSeconds + offset(wholeSeconds)
  return wholeSeconds + offset(near) + (utc - wholeSeconds)
}

function floorDiv(value: bigint, by: bigint): bigint {
  return (value - (((value % by) + by) % by)) / by
}
