import { type Dyadic, type DyadicForm, integer, plus } from './dyadic.ts'

/** An exact sum: a number where that is a safe integer, as most are, else what it is exactly. */
export type Total = number | Dyadic

export const NOTHING: Total = 0

export function totalOf(whole: bigint): Total {
  const number = Number(whole)
  return Number.isSafeInteger(number) ? number : integer(whole)
}

export function dyadicOf(total: Total): Dyadic {
  return typeof total === 'number' ? integer(BigInt(total)) : total
}

export function plusTotals(a: Total, b: Total): Total {
  if (typeof a === 'number' && typeof b === 'number') {
    const sum = a + b
    return Number.isSafeInteger(sum) ? sum : totalOf(BigInt(a) + BigInt(b))
  }
  // Nothing is added without changing what it is added to: a sum of doubles keeps the exponent that it has.
  if (a === 0) return b
  if (b === 0) return a
  return plus(dyadicOf(a), dyadicOf(b))
}

/** As its form stores it: the same for a number and for the Dyadic that it stands for. */
export function totalToStored(form: DyadicForm, total: Total): string | number {
  return typeof total === 'number' ? total : form.toStored(total)
}

/** Undefined if it is no sum of this form. */
export function totalFromStored(form: DyadicForm, stored: unknown): Total | undefined {
  return Number.isSafeInteger(stored) ? (stored as number) : form.fromStored(stored)
}
