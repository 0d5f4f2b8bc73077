import type { Contract, Field } from '#lib/domain/contract/contract.ts'
import { readLiteral, type Scalar } from '#lib/domain/contract/scalar.ts'
import { type Automaton, textAutomaton } from './text-automaton.ts'

/** How the values of a field lie in memory; `value`: as the slow decoder holds them. */
export type Storage = 'int32' | 'int64' | 'float64' | 'boolean' | 'utf8' | 'value'

/** A field of the contract, prepared for code that reads it from bytes. */
export interface FieldPlan {
  readonly index: number
  readonly field: Field
  readonly storage: Storage
  /** Each value is read by the slow decoder: the field has a type or a constraint that there is no code for. */
  readonly isAsked: boolean
  /** Of numbers and times, as the column holds them (decimals unscaled). */
  readonly minimum?: number
  readonly maximum?: number
  readonly allowed?: readonly Scalar[]
  readonly pattern?: Automaton
}

/** Of the types whose values lie in typed arrays. */
const STORAGE: Readonly<Partial<Record<string, Storage>>> = {
  time: 'utf8',
  string: 'utf8',
  int: 'int32',
  date: 'int32',
  long: 'int64',
  decimal: 'int64',
  timestamp: 'int64',
  double: 'float64',
  boolean: 'boolean',
}

/** Types and constraints that code is generated for; at whatever else a field has, the slow decoder looks. */
const TYPES = ['string', 'int', 'date', 'long', 'decimal', 'timestamp', 'double', 'boolean']
const CONSTRAINTS = ['minimum', 'maximum', 'minLength', 'maxLength', 'pattern', 'values']

/** No code is generated for a contract with more fields than this. */
const MAX_PLANNED_FIELDS = 1_000

/** The plans of a contract's fields; `undefined` if it is decoded by the slow decoder alone. */
export function fieldPlans(contract: Contract): FieldPlan[] | undefined {
  const names = new Set(contract.fields.map((field) => field.name))
  if (names.size < contract.fields.length || names.size > MAX_PLANNED_FIELDS) return undefined
  if (![...names].every((name) => name.isWellFormed())) return undefined
  return contract.fields.map(
    (field, index) =>
      plainPlan(field, index) ?? {
        index,
        field,
        storage: STORAGE[field.type.kind] ?? 'value',
        isAsked: true,
      },
  )
}

/** `undefined` if there is something about the field that no code is generated for. */
function plainPlan(field: Field, index: number): FieldPlan | undefined {
  const { kind } = field.type
  const storage = STORAGE[kind]
  if (storage === undefined || !TYPES.includes(kind)) return undefined
  if (Object.keys(field.constraints).some((name) => !CONSTRAINTS.includes(name))) return undefined
  const { minimum, maximum, minLength, maxLength, pattern, values } = field.constraints
  const hasLength = minLength !== undefined || maxLength !== undefined || pattern !== undefined
  const hasBounds = minimum !== undefined || maximum !== undefined
  if (kind === 'string' ? hasBounds : hasLength) return undefined
  if (kind === 'boolean' && (hasBounds || values !== undefined)) return undefined
  const automaton = pattern === undefined ? undefined : textAutomaton(pattern)
  if (pattern !== undefined && automaton === undefined) return undefined
  const low = boundOf(field, minimum)
  const high = boundOf(field, maximum)
  const allowed = values?.map((value) => scalarOf(field, String(value)))
  if (low === null || high === null || allowed?.includes(null)) return undefined
  return {
    index,
    field,
    storage,
    isAsked: false,
    ...(low === undefined ? {} : { minimum: low }),
    ...(high === undefined ? {} : { maximum: high }),
    ...(allowed === undefined ? {} : { allowed: allowed as Scalar[] }),
    ...(automaton === undefined ? {} : { pattern: automaton }),
  }
}

/**
 * As a double. Beyond 2^53 it is rounded, which harms no comparison: values read by generated code are below
 * 2^53, and rounding keeps order.
 */
function boundOf(field: Field, literal: string | undefined): number | undefined | null {
  if (literal === undefined) return undefined
  const value = scalarOf(field, literal)
  return value === null ? null : Number(value)
}

function scalarOf(field: Field, literal: string): Scalar | null {
  const reading = readLiteral(field.type, literal)
  return 'value' in reading ? reading.value : null
}

/** A lower bound of the bytes of an event that this contract accepts: what rows per byte are reserved by. */
export function leastEventBytes(contract: Contract, plans: readonly FieldPlan[]): number {
  const envelope = '{"specversion":"1.0","id":"i","source":"s","type":"","data":{}}'
  let bytes = envelope.length + Buffer.byteLength(contract.eventType)
  for (const { field } of plans) {
    // "name":0 and a comma
    if (field.required) bytes += Buffer.byteLength(field.name) + 4
  }
  return bytes - 1
}
