import type { Comparison, Predicate } from '#lib/domain/lake/predicate/predicate.ts'
import type { PrimitiveType, TableField, TableSchema } from '#lib/domain/lake/schema.ts'
import type { RandomRows } from './random-rows.ts'

/** A condition on one column, for the model and in parts for an engine that writes it in its own words. */
export interface Condition {
  readonly field: TableField
  readonly op: Comparison
  readonly value: unknown
  readonly where: Predicate
}

/** One that the model and every engine understand; undefined if no column is of a kind for it. */
export function drawCondition(make: RandomRows, { fields }: TableSchema): Condition | undefined {
  const usable = fields.filter(({ type }) =>
    ['string', 'int', 'long', 'date'].includes(type as string),
  )
  if (usable.length === 0) return undefined
  const field = make.pick(usable)
  const value = make.scalar(field.type as PrimitiveType)
  const op = make.pick<Comparison>(['=', '<=', '>'])
  return { field, op, value, where: { kind: 'compare', column: field.name, op, value } }
}

/** Days since the epoch as a date's digits. */
export function dateText(days: unknown): string {
  return new Date(Number(days) * 86_400_000).toISOString().slice(0, 10)
}

/** Rows in the order of their text. */
export function sorted(rows: readonly (readonly (string | null)[])[]): readonly string[] {
  return rows.map((row) => JSON.stringify(row)).toSorted()
}
