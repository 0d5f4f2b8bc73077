import { PlatformError } from '#lib/domain/kernel/errors.ts'
import { localToUtc } from '#lib/domain/kernel/local-time.ts'
import type { FieldType } from './contract.ts'
import { unscaledOf } from './decimal-text.ts'
import { daysOf, instantMicros, localMicros, type TimeProblem, timeOfDay } from './time-text.ts'

/**
 * A value as the columns hold it: integers, decimals (unscaled) and timestamps (UTC micros) as bigint, dates
 * as days since the epoch, doubles as numbers, times of day as text.
 */
export type Scalar = bigint | number | string | boolean

/** A JSON number by its own digits: a double would lose those of a decimal or a long. */
export class NumberText {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

/** What a value can be wrong in before any constraint is looked at; the last part of a reason code. */
export type ReadProblem =
  | 'type'
  | 'notUnicode'
  | 'notInteger'
  | 'tooPrecise'
  | 'outOfRange'
  | 'notDate'
  | 'notTime'
  | 'notTimestamp'

export type Reading = { readonly value: Scalar } | { readonly problem: ReadProblem }

/** Reads a parsed JSON value (numbers as {@link NumberText}) as a value of the type. Built once per field. */
export function scalarReader(type: FieldType): (value: unknown) => Reading {
  switch (type.kind) {
    case 'string':
      return readString
    case 'boolean':
      return (value) => (typeof value === 'boolean' ? { value } : wrong('type'))
    case 'int':
      return integerReader(-(2n ** 31n), 2n ** 31n - 1n)
    case 'long':
      return integerReader(-(2n ** 63n), 2n ** 63n - 1n)
    case 'double':
      return readDouble
    case 'decimal':
      return decimalReader(type.precision, type.scale)
    case 'date':
      return timeReader(daysOf, 'notDate')
    case 'time':
      return timeReader(timeOfDay, 'notTime')
    case 'struct':
    case 'list':
      throw new PlatformError('contract.invalid', `a ${type.kind} is read member by member`)
    case 'timestamp': {
      const zone = type.localZone
      if (zone === undefined) return timeReader(instantMicros, 'notTimestamp')
      const toUtc = localToUtc(zone)
      return timeReader((text) => localMicros(text, toUtc), 'notTimestamp')
    }
  }
}

/** Reads a literal of the contract itself (a bound, a member of an enumeration, the end of a row rule). */
export function readLiteral(type: FieldType, literal: string): Reading {
  const reader = scalarReader(type)
  switch (type.kind) {
    case 'boolean':
      return reader(literal === 'true' ? true : literal === 'false' ? false : literal)
    case 'int':
    case 'long':
    case 'double':
    case 'decimal':
      return reader(new NumberText(literal))
    default:
      return reader(literal)
  }
}

/** Order of two values of one type; strings by code point, as their UTF-8 bytes sort. */
export function compareScalars(left: Scalar, right: Scalar): number {
  if (typeof left === 'string' && typeof right === 'string')
    return Buffer.compare(Buffer.from(left), Buffer.from(right))
  return left < right ? -1 : left > right ? 1 : 0
}

function wrong(problem: ReadProblem): Reading {
  return { problem }
}

function readString(value: unknown): Reading {
  if (typeof value !== 'string') return wrong('type')
  // A lone surrogate has no UTF-8 form; storing U+FFFD instead would change what was sent.
  return value.isWellFormed() ? { value } : wrong('notUnicode')
}

function readDouble(value: unknown): Reading {
  if (!(value instanceof NumberText)) return wrong('type')
  const double = Number(value.text)
  if (Number.isNaN(double)) return wrong('type')
  return Number.isFinite(double) ? { value: double } : wrong('outOfRange')
}

function integerReader(minimum: bigint, maximum: bigint): (value: unknown) => Reading {
  return (value) => {
    if (!(value instanceof NumberText)) return wrong('type')
    const unscaled = unscaledOf(value.text, 0)
    if (unscaled === 'notNumber') return wrong('type')
    if (unscaled === 'tooPrecise') return wrong('notInteger')
    if (unscaled === 'outOfRange' || unscaled < minimum || unscaled > maximum) {
      return wrong('outOfRange')
    }
    return { value: unscaled }
  }
}

function decimalReader(precision: number, scale: number): (value: unknown) => Reading {
  const limit = 10n ** BigInt(precision)
  return (value) => {
    if (!(value instanceof NumberText)) return wrong('type')
    const unscaled = unscaledOf(value.text, scale)
    if (unscaled === 'notNumber') return wrong('type')
    if (unscaled === 'tooPrecise') return wrong('tooPrecise')
    if (unscaled === 'outOfRange' || unscaled >= limit || unscaled <= -limit) {
      return wrong('outOfRange')
    }
    return { value: unscaled }
  }
}

function timeReader(
  parse: (text: string) => Scalar | TimeProblem,
  problem: 'notDate' | 'notTime' | 'notTimestamp',
): (value: unknown) => Reading {
  return (value) => {
    if (typeof value !== 'string') return wrong('type')
    const parsed = parse(value)
    if (parsed === 'notTime') return wrong(problem)
    if (parsed === 'tooPrecise') return wrong('tooPrecise')
    return { value: parsed }
  }
}

/** Digits behind the point: columns hold decimals unscaled. */
export function scaleOf(type: FieldType): number {
  return type.kind === 'decimal' ? type.scale : 0
}
