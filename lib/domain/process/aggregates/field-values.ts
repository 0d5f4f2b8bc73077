import type { Field, FieldType } from '#lib/domain/contract/contract.ts'
import { compareScalars } from '#lib/domain/contract/scalar.ts'
import { type Column, utf8At } from '#lib/domain/kernel/columns.ts'
import { Decimal } from '#lib/domain/kernel/decimal.ts'
import { PlatformError } from '#lib/domain/kernel/errors.ts'
import { CalendarDate, Timestamp } from '#lib/domain/kernel/instants.ts'
import type { AggregateValue } from './aggregate.ts'
import { integerFromStored, integerToStored } from './stored-state.ts'

/**
 * A single value in a state: integers, dates (days), timestamps (micros) and decimals (unscaled) as bigint, whatever
 * their width, because a contract may widen an int to a long under the states of a view; zero has no sign.
 */
export type StateValue = bigint | number | string | boolean

/** How the values of one field are taken from columns, kept in states and handed out. */
export interface FieldValues {
  /** Of the finished value. */
  readonly type: FieldType
  /** Bytes of JSON that one stored value takes at most. */
  readonly maxStoredBytes: number
  /** The row has a value. */
  at(column: Column, row: number): StateValue
  compare(left: StateValue, right: StateValue): number
  toStored(value: StateValue): string | number | boolean
  /** Undefined if it is no value of the field. */
  fromStored(stored: unknown): StateValue | undefined
  finish(value: StateValue): AggregateValue
}

/** Digits and sign of an int64, in quotes. */
const INT64_BYTES = 22
const DOUBLE_BYTES = 24
/** A control character is written as `\u0001`. */
const BYTES_PER_CHARACTER = 6
/** `HH:MM:SS.ffffff`, in quotes. */
const TIME_BYTES = 17

/** Of a field that `fieldOf` let pass: no struct, no list, a string of bounded length. */
export function fieldValues(field: Field): FieldValues {
  const { type } = field
  switch (type.kind) {
    case 'int':
      return integers({ kind: 'int' }, Number)
    case 'long':
      return integers({ kind: 'long' }, (value) => new Decimal(value, 0))
    case 'decimal':
      return integers(type, (value) => new Decimal(value, type.scale))
    case 'date':
      return integers({ kind: 'date' }, (value) => new CalendarDate(Number(value)))
    case 'timestamp':
      return integers({ kind: 'timestamp' }, (value) => new Timestamp(value))
    case 'double':
      return DOUBLES
    case 'boolean':
      return BOOLEANS
    case 'time':
      return texts({ kind: 'time' }, TIME_BYTES)
    case 'string':
      return texts({ kind: 'string' }, BYTES_PER_CHARACTER * longestText(field) + 2)
    default:
      throw new PlatformError('view.invalid', `a ${type.kind} has no single value`)
  }
}

/** Characters of a string field's longest value; Infinity if the contract sets no bound. */
export function longestText({ constraints: { maxLength, values } }: Field): number {
  const longest = values && Math.max(...values.map((value) => [...String(value)].length))
  return Math.min(maxLength ?? Infinity, longest ?? Infinity)
}

function integers(type: FieldType, finish: (value: bigint) => AggregateValue): FieldValues {
  return {
    type,
    maxStoredBytes: INT64_BYTES,
    at(column, row) {
      if (column.kind === 'int64') return column.values[row]!
      if (column.kind === 'int32') return BigInt(column.values[row]!)
      throw unexpected(column, type)
    },
    compare: compareScalars,
    toStored: (value) => integerToStored(value as bigint),
    fromStored: integerFromStored,
    finish: (value) => finish(value as bigint),
  }
}

const DOUBLES: FieldValues = {
  type: { kind: 'double' },
  maxStoredBytes: DOUBLE_BYTES,
  at(column, row) {
    if (column.kind !== 'float64') throw unexpected(column, DOUBLES.type)
    // JSON has no −0 and, as a value, it is the same: whichever came first must not decide.
    return column.values[row]! + 0
  },
  compare: compareScalars,
  toStored: (value) => value as number,
  fromStored: (stored) => (Number.isFinite(stored) ? (stored as number) : undefined),
  finish: (value) => value as number,
}

const BOOLEANS: FieldValues = {
  type: { kind: 'boolean' },
  maxStoredBytes: 5,
  at(column, row) {
    if (column.kind !== 'boolean') throw unexpected(column, BOOLEANS.type)
    return column.values[row] === 1
  },
  compare: compareScalars,
  toStored: (value) => value as boolean,
  fromStored: (stored) => (typeof stored === 'boolean' ? stored : undefined),
  finish: (value) => value as boolean,
}

function texts(type: FieldType, maxStoredBytes: number): FieldValues {
  return {
    type,
    maxStoredBytes,
    at(column, row) {
      if (column.kind !== 'utf8') throw unexpected(column, type)
      return utf8At(column, row)
    },
    compare: compareScalars,
    toStored: (value) => value as string,
    fromStored: (stored) => (typeof stored === 'string' ? stored : undefined),
    finish: (value) => value as string,
  }
}

function unexpected(column: Column, type: FieldType): PlatformError {
  return new PlatformError(
    'view.invalid',
    `a ${type.kind} field is read from a ${column.kind} column: deploy the contract that the table has`,
  )
}
