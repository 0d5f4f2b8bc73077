import type { FieldType } from '#lib/domain/contract/contract.ts'
import type { Value } from '#lib/domain/contract/value.ts'
import { Decimal } from '#lib/domain/kernel/decimal.ts'
import { CalendarDate, Timestamp } from '#lib/domain/kernel/instants.ts'
import type { AggregateValue } from './aggregate.ts'

/** A finished value as a column of its result type holds it; null where there is none. */
export function columnValue(value: AggregateValue, type: FieldType): Value | null {
  if (value === null) return null
  if (value instanceof Decimal) return value.unscaled
  if (value instanceof Timestamp) return value.micros
  if (value instanceof CalendarDate) return value.days
  if (type.kind === 'list') {
    return (value as readonly AggregateValue[]).map((one) => columnValue(one, type.element.type))
  }
  if (type.kind === 'struct') {
    const members = value as Readonly<Record<string, AggregateValue>>
    return type.fields.map((field) => columnValue(members[field.name] ?? null, field.type))
  }
  const isWhole = type.kind === 'int' || type.kind === 'long'
  return isWhole ? BigInt(value as number) : (value as boolean | number | string)
}
