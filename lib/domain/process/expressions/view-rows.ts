import type { Contract, Field } from '#lib/domain/contract/contract.ts'
import { icebergType } from '#lib/domain/contract/table-columns.ts'
import { columnOf } from '#lib/domain/ingest/build-column.ts'
import type { ColumnBatch } from '#lib/domain/kernel/columns.ts'
import { PlatformError } from '#lib/domain/kernel/errors.ts'
import { evaluator } from './evaluate.ts'
import type { DerivedColumn, Expression } from './expression.ts'
import {
  type ColumnTypes,
  kindText,
  type TypedExpression,
  typedExpression,
} from './typed-expression.ts'

/** What a view makes of a contract's rows before it groups them. */
export interface RowDefinition {
  readonly derived?: readonly DerivedColumn[]
  readonly filter?: Expression
}

/** A row definition held against the contract whose rows it is of. */
export interface ViewRows {
  /** The contract with the derived columns behind its own fields. */
  readonly contract: Contract
  readonly derived: readonly { readonly name: string; readonly value: TypedExpression }[]
  readonly filter: TypedExpression | undefined
  /** The contract's own fields that derived columns and filter are computed of. */
  readonly sources: ReadonlySet<string>
}

/** Of no table: derived columns have no ids. */
const NO_ID = 0
const MOST_DERIVED = 50
const LONGEST_TEXT: Readonly<Record<string, number>> = { int: 11, long: 20, boolean: 5 }

/** Throws `view.invalid` with what is wrong with an expression, in one line. */
export function viewRowsOf({ derived = [], filter }: RowDefinition, contract: Contract): ViewRows {
  if (!Array.isArray(derived) || derived.length > MOST_DERIVED) {
    refuse(`"derived" is a list of at most ${MOST_DERIVED} columns`)
  }
  const own = contract.fields.filter(({ id }) => id !== NO_ID)
  const fields: Field[] = [...own]
  const types = new Map(fields.map((field) => [field.name, field.type]))
  const columns: { name: string; value: TypedExpression }[] = []
  for (const { name, value } of derived as readonly DerivedColumn[]) {
    if (!/^[a-z][a-z0-9_]{0,63}$/.test(name))
      refuse(`"${name}" names no column: use a name like "is_long"`)
    if (types.has(name))
      refuse(`there is a column "${name}" already: give the derived one another name`)
    const typed = inColumn(name, () => typedExpression(value, types))
    columns.push({ name, value: typed })
    types.set(name, typed.type)
    fields.push(fieldOf(name, typed, fields))
  }
  const condition = filter === undefined ? undefined : filterOf(filter, types)
  const named = new Set<string>()
  for (const one of [...columns.map(({ value }) => value), condition]) {
    if (one !== undefined) collectColumns(one, named)
  }
  const sources = own.filter(({ name }) => named.has(name)).map(({ name }) => name)
  return {
    contract: columns.length === 0 ? contract : { ...contract, fields },
    derived: columns,
    filter: condition,
    sources: new Set(sources),
  }
}

/** Rows with the derived columns, and those that the filter leaves out as 1: only what is known to be true stays. */
export function shapedRows(
  { derived, filter }: ViewRows,
  { rows, columns }: ColumnBatch,
): { readonly batch: ColumnBatch; readonly leftOut: Uint8Array | undefined } {
  const all = new Map(columns)
  for (const { name, value } of derived) {
    const valueAt = evaluator(value, all)
    const values = Array.from({ length: rows }, (_, row) => valueAt(row))
    all.set(name, columnOf(icebergType(value.type), values))
  }
  if (filter === undefined) return { batch: { rows, columns: all }, leftOut: undefined }
  const isIn = evaluator(filter, all)
  const leftOut = new Uint8Array(rows)
  for (let row = 0; row < rows; row++) if (isIn(row) !== true) leftOut[row] = 1
  return { batch: { rows, columns: all }, leftOut }
}

function filterOf(filter: Expression, types: ColumnTypes): TypedExpression {
  const typed = inColumn('filter', () => typedExpression(filter, types))
  if (typed.type.kind !== 'boolean')
    refuse(`the filter is a condition, not ${kindText(typed.type.kind)}`)
  return typed
}

function fieldOf(name: string, typed: TypedExpression, fields: readonly Field[]): Field {
  const maxLength = typed.type.kind === 'string' ? maxLengthOf(typed, fields) : undefined
  const named = new Set<string>()
  collectColumns(typed, named)
  return {
    id: NO_ID,
    name,
    type: typed.type,
    required: false,
    description: 'derived',
    personal: fields.some(({ name: source, personal }) => personal && named.has(source)),
    constraints: maxLength === undefined ? {} : { maxLength },
  }
}

/** How long a text can become, in characters; undefined if nobody knows. */
function maxLengthOf(typed: TypedExpression, fields: readonly Field[]): number | undefined {
  const all = (
    of: readonly (TypedExpression | undefined)[],
    join: (lengths: number[]) => number,
  ) => {
    const lengths = of.flatMap((one) => (one === undefined ? [] : [maxLengthOf(one, fields)]))
    const known = lengths.filter((length) => length !== undefined)
    return known.length === lengths.length ? join(known) : undefined
  }
  const longest = (lengths: number[]) => Math.max(0, ...lengths)
  switch (typed.operator) {
    case 'column':
      return fields.find(({ name }) => name === typed.name)?.constraints.maxLength
    case 'literal':
      return String(typed.value).length
    case 'text':
      return LONGEST_TEXT[typed.of[0]!.type.kind] ?? maxLengthOf(typed.of[0]!, fields)
    case 'concat':
      return all(typed.of, (lengths) => lengths.reduce((sum, length) => sum + length, 0))
    case 'coalesce':
      return all(typed.of, longest)
    case 'case':
      return all([...typed.when.map(({ value }) => value), typed.else], longest)
    default:
      return undefined
  }
}

function collectColumns(typed: TypedExpression, names: Set<string>): void {
  if (typed.operator === 'column') names.add(typed.name)
  else if (typed.operator === 'case') {
    for (const branch of typed.when) {
      collectColumns(branch.if, names)
      collectColumns(branch.value, names)
    }
    if (typed.else !== undefined) collectColumns(typed.else, names)
  } else if (typed.operator !== 'literal') {
    for (const one of typed.of) collectColumns(one, names)
  }
}

function inColumn<T>(name: string, compute: () => T): T {
  try {
    return compute()
  } catch (error) {
    if (error instanceof PlatformError && error.code === 'view.invalid') {
      refuse(`${name}: ${error.message}`)
    }
    throw error
  }
}

function refuse(message: string): never {
  throw new PlatformError('view.invalid', message)
}
