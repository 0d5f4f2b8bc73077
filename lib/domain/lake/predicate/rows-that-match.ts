import { type ColumnBatch, type FlatColumn, isNull } from '../../kernel/columns.ts'
import { scalarAt } from '../scalar-at.ts'
import type { TableSchema } from '../schema.ts'
import {
  type Comparable,
  comparable,
  comparisonOutcomes,
  EQUAL,
  relationOf,
} from './compare-scalars.ts'
import {
  conjunction,
  disjunction,
  FALSE,
  negated,
  type Outcomes,
  TRUE,
  UNKNOWN,
} from './outcomes.ts'
import { type Predicate, plainColumn } from './predicate.ts'

/** Whether each row of a batch of the schema is meant: 1 or 0. */
export function rowsThatMatch(
  predicate: Predicate,
  schema: TableSchema,
  batch: ColumnBatch,
): Uint8Array {
  const outcomeAt = evaluator(predicate, schema, batch)
  return Uint8Array.from({ length: batch.rows }, (_, row) => (outcomeAt(row) === TRUE ? 1 : 0))
}

type OutcomeAt = (row: number) => Outcomes

function evaluator(predicate: Predicate, schema: TableSchema, batch: ColumnBatch): OutcomeAt {
  const inner = (one: Predicate) => evaluator(one, schema, batch)
  switch (predicate.kind) {
    case 'always':
      return () => TRUE
    case 'not': {
      const of = inner(predicate.of)
      return (row) => negated(of(row))
    }
    case 'and': {
      const parts = predicate.of.map(inner)
      return (row) => conjunction(parts.map((part) => part(row)))
    }
    case 'or': {
      const parts = predicate.of.map(inner)
      return (row) => disjunction(parts.map((part) => part(row)))
    }
    case 'isNull': {
      const column = columnOf(predicate.column, schema, batch)
      return (row) => (isNull(column, row) ? TRUE : FALSE)
    }
    case 'compare': {
      const { op } = predicate
      const value = comparable(predicate.value)
      return valued(predicate.column, schema, batch, (held) =>
        comparisonOutcomes(op, relationOf(held, value)),
      )
    }
    case 'in': {
      const values = predicate.values.map(comparable)
      return valued(predicate.column, schema, batch, (held) =>
        values.some((value) => relationOf(held, value) === EQUAL) ? TRUE : FALSE,
      )
    }
  }
}

/** The outcome for the value of a row, unknown where it has none. */
function valued(
  name: string,
  schema: TableSchema,
  batch: ColumnBatch,
  of: (value: Comparable) => Outcomes,
): OutcomeAt {
  const column = columnOf(name, schema, batch)
  const valueAt = (row: number): Comparable =>
    column.kind === 'utf8'
      ? column.bytes.subarray(column.offsets[row], column.offsets[row + 1])
      : scalarAt(column, row)
  return (row) => (isNull(column, row) ? UNKNOWN : of(valueAt(row)))
}

function columnOf(name: string, schema: TableSchema, batch: ColumnBatch): FlatColumn {
  return batch.columns.get(plainColumn(schema, name).name) as FlatColumn
}
