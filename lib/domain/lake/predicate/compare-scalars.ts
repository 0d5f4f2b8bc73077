import type { ScalarValue } from '../single-value.ts'
import { FALSE, type Outcomes, TRUE } from './outcomes.ts'
import type { Comparison } from './predicate.ts'

/** Text may stand as its UTF-8, which need not be any text. */
export type Comparable = ScalarValue | Uint8Array

/** How a value may stand to another one: any of these. */
export type Relations = number

export const LESS = 1
export const EQUAL = 2
export const GREATER = 4
/** Of a double that is no number. */
export const UNORDERED = 8

/** How two values of one type stand to one another: text as its UTF-8, both zeros alike. */
export function relationOf(left: Comparable, right: Comparable): Relations {
  if (left instanceof Uint8Array || typeof left === 'string') {
    const order = Buffer.compare(bytesOf(left), bytesOf(right as string | Uint8Array))
    return order < 0 ? LESS : order > 0 ? GREATER : EQUAL
  }
  if (left < right) return LESS
  if (left > right) return GREATER
  return Number.isNaN(left) || Number.isNaN(right) ? UNORDERED : EQUAL
}

/** A value as it is compared quickest. */
export function comparable(value: ScalarValue): Comparable {
  return typeof value === 'string' ? Buffer.from(value) : value
}

const HOLDS: Readonly<Record<Comparison, Relations>> = {
  '=': EQUAL,
  '!=': LESS | GREATER | UNORDERED,
  '<': LESS,
  '<=': LESS | EQUAL,
  '>': GREATER,
  '>=': GREATER | EQUAL,
}

/** What a comparison may be, if the value may stand to the other one in these ways. */
export function comparisonOutcomes(op: Comparison, relations: Relations): Outcomes {
  const holds = HOLDS[op]
  return (relations & holds ? TRUE : 0) | (relations & ~holds ? FALSE : 0)
}

function bytesOf(text: string | Uint8Array): Uint8Array {
  return typeof text === 'string' ? Buffer.from(text) : text
}
