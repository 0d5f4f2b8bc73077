import type { FieldType } from '#lib/domain/contract/contract.ts'
import type { Value } from '#lib/domain/contract/value.ts'
import { Decimal } from '#lib/domain/kernel/decimal.ts'
import { CalendarDate, Timestamp } from '#lib/domain/kernel/instants.ts'
import type { AggregateValue } from './aggregate.ts'

/** A finished value as a column of its type holds it; null stays null. */
export function columnValue(type: FieldType, value: AggregateValue): Value | null {
  if (value === null) return null
  if (value instanceof Decimal) return value.unscaled
  if (value instanceof CalendarDate) return value.days
  if (value instanceof Timestamp) return BigInt(value.micros)
  if (type.kind === 'list') {
    const { type: element } = type.element
    return (value as readonly AggregateValue[]).map((one) => columnValue(element, one))
  }
  if (type.kind === 'struct') {
    const members = value as { readonly [member: string]: AggregateValue }
    return type.fields.map((field) => columnValue(field.type, members[field.name] ?? null))
  }
  if (type.kind === 'long' || type.kind === 'decimal') return BigInt(value as number)
  return value as number | string | boolean
}
