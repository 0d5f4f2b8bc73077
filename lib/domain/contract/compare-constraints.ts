import type { Constraints, Field, FieldType } from './contract.ts'
import { decimalText } from './decimal-text.ts'
import { compareScalars, readLiteral } from './scalar.ts'

/** How one constraint of a field differs: what it was, what it is, and whether every old value still passes. */
export interface ConstraintChange {
  /** Its name as the contract writes it. */
  readonly option: keyof Constraints
  readonly message: string
  readonly tightened: boolean
}

/** The differences between the constraints of a field whose type stayed or was widened. */
export function compareConstraints(before: Field, after: Field): ConstraintChange[] {
  const { type } = after
  const [was, is] = [before.constraints, after.constraints]
  const byValue = (a: string, b: string) => orderOf(type, a, b)
  const byNumber = (a: number, b: number) => a - b
  return [
    bound(
      'minimum',
      was.minimum,
      is.minimum,
      byValue,
      'lower is looser',
      extreme(before.type, -1n),
    ),
    bound(
      'maximum',
      was.maximum,
      is.maximum,
      byValue,
      'higher is looser',
      extreme(before.type, 1n),
    ),
    bound('minLength', was.minLength, is.minLength, byNumber, 'lower is looser'),
    bound('maxLength', was.maxLength, is.maxLength, byNumber, 'higher is looser'),
    // Whether one pattern takes all that another takes is not decided here: another one counts as a break.
    bound('pattern', was.pattern, is.pattern, () => Number.NaN, 'higher is looser'),
    bound('format', was.format, is.format, () => Number.NaN, 'higher is looser'),
    multiple(type, was.multipleOf, is.multipleOf),
    bound('minItems', was.minItems, is.minItems, byNumber, 'lower is looser'),
    bound('maxItems', was.maxItems, is.maxItems, byNumber, 'higher is looser'),
    uniqueness(was.uniqueItems, is.uniqueItems),
    enumeration(type, was.values, is.values),
  ].flatMap((change) => change ?? [])
}

function bound<Value extends string | number>(
  option: keyof Constraints,
  was: Value | undefined,
  is: Value | undefined,
  order: (is: Value, was: Value) => number,
  direction: 'lower is looser' | 'higher is looser',
  /** What bounded the values before, if the constraint did not. */
  extreme?: Value,
): ConstraintChange | undefined {
  if (was === is) return undefined
  const isTighter = (from: Value, to: Value) =>
    !(direction === 'lower is looser' ? order(to, from) <= 0 : order(to, from) >= 0)
  if (was === undefined) {
    const tightened = extreme === undefined || isTighter(extreme, is!)
    return { option, message: `added ${option} ${is}`, tightened }
  }
  if (is === undefined) return { option, message: `removed ${option} ${was}`, tightened: false }
  if (order(is, was) === 0) return undefined
  return { option, message: `${option} ${is} was ${was}`, tightened: isTighter(was, is) }
}

/** The least or the greatest value that a type holds by itself. */
function extreme(type: FieldType, sign: 1n | -1n): string | undefined {
  const bits = type.kind === 'int' ? 31n : type.kind === 'long' ? 63n : undefined
  if (bits !== undefined) return String(sign * 2n ** bits - (sign === 1n ? 1n : 0n))
  if (type.kind !== 'decimal') return undefined
  return decimalText(sign * (10n ** BigInt(type.precision) - 1n), type.scale)
}

/** Looser if every multiple of the old step is one of the new. */
function multiple(
  type: FieldType,
  was: string | undefined,
  is: string | undefined,
): ConstraintChange | undefined {
  const isDivisor = () => {
    const [old, now] = [canonical(type, was!), canonical(type, is!)]
    return typeof old === 'bigint' && typeof now === 'bigint' && old % now === 0n
  }
  const order = () => (isDivisor() ? 1 : Number.NaN)
  if (was !== undefined && is !== undefined && canonical(type, was) === canonical(type, is)) {
    return undefined
  }
  return bound('multipleOf', was, is, order, 'higher is looser')
}

function uniqueness(was: true | undefined, is: true | undefined): ConstraintChange | undefined {
  if (was === is) return undefined
  const message = is ? 'items may no longer repeat' : 'items may repeat'
  return { option: 'uniqueItems', message, tightened: is === true }
}

function enumeration(
  type: FieldType,
  was: Constraints['values'],
  is: Constraints['values'],
): ConstraintChange | undefined {
  const option = 'values'
  if (was === undefined && is === undefined) return undefined
  if (was === undefined) {
    return { option, message: `added the enumeration ${list(is!)}`, tightened: true }
  }
  if (is === undefined) {
    return { option, message: `removed the enumeration ${list(was)}`, tightened: false }
  }
  const missing = without(type, was, is)
  const added = without(type, is, was)
  if (missing.length === 0 && added.length === 0) return undefined
  const parts = [
    ...(missing.length === 0 ? [] : [`no longer allows ${list(missing)}`]),
    ...(added.length === 0 ? [] : [`newly allows ${list(added)}`]),
  ]
  return { option, message: parts.join(', '), tightened: missing.length > 0 }
}

type Values = NonNullable<Constraints['values']>

/** The values that are in the first list only; 1 and 1.0 are one value. */
function without(type: FieldType, values: Values, others: Values): Values {
  const known = new Set(others.map((value) => canonical(type, value)))
  return values.filter((value) => !known.has(canonical(type, value)))
}

function canonical(type: FieldType, literal: string | number): unknown {
  const reading = readLiteral(type, String(literal))
  return 'value' in reading ? reading.value : literal
}

const MOST_LISTED = 5

function list(values: Values): string {
  const shown = values.slice(0, MOST_LISTED).map((value) => JSON.stringify(value))
  const more = values.length - shown.length
  return more === 0 ? shown.join(', ') : `${shown.join(', ')} and ${more} more`
}

function orderOf(type: FieldType, left: string, right: string): number {
  const [a, b] = [readLiteral(type, left), readLiteral(type, right)]
  return 'value' in a && 'value' in b ? compareScalars(a.value, b.value) : Number.NaN
}
