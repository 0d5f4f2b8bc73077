import type { DataFile } from '../data-file.ts'
import type { ManifestFile } from '../manifest.ts'
import { partitionScalar } from '../partition-value.ts'
import { isPrimitiveType, type TableSchema } from '../schema.ts'
import type { ScalarValue } from '../single-value.ts'
import type { PartitionSpecJson } from '../table-metadata.ts'
import { isTransform, type Transform, transformed, transformedType } from '../transform.ts'
import { boundOf } from './bounds.ts'
import {
  comparable,
  comparisonOutcomes,
  EQUAL,
  GREATER,
  LESS,
  type Relations,
  relationOf,
  UNORDERED,
} from './compare-scalars.ts'
import {
  ANY,
  conjunction,
  disjunction,
  FALSE,
  negated,
  type Outcomes,
  TRUE,
  UNKNOWN,
} from './outcomes.ts'
import { type PlainColumn, type Predicate, plainColumn } from './predicate.ts'

/** Whether a file can hold rows that are meant, and whether all of its rows are, as far as its metadata tells. */
export interface FileMatch {
  readonly mayMatch: boolean
  readonly allMatch: boolean
}

/** Never tells that no row can match where one does, nor that all do where one does not. */
export function fileMatch(
  predicate: Predicate,
  schema: TableSchema,
  file: DataFile,
  spec: PartitionSpecJson,
): FileMatch {
  if (file.recordCount === 0) return { mayMatch: false, allMatch: true }
  const outcomes = outcomesOf(predicate, schema, factsOfFile(file, spec))
  return { mayMatch: (outcomes & TRUE) !== 0, allMatch: outcomes === TRUE }
}

/** Whether a manifest of data files can list one that can hold rows that are meant. */
export function manifestMayMatch(
  predicate: Predicate,
  schema: TableSchema,
  manifest: ManifestFile,
  spec: PartitionSpecJson,
): boolean {
  return (outcomesOf(predicate, schema, factsOfManifest(manifest, schema, spec)) & TRUE) !== 0
}

/** What is known of the values of a column, some of them or all together. */
interface Facts {
  /** Whether rows can lack the value, and whether rows can have it. */
  nulls(column: PlainColumn): { readonly some: boolean; readonly others: boolean }
  /** How the values that there are can stand to another one. */
  relations(column: PlainColumn, value: ScalarValue): Relations
}

const ANY_RELATION = LESS | EQUAL | GREATER

function outcomesOf(predicate: Predicate, schema: TableSchema, facts: Facts): Outcomes {
  const inner = (one: Predicate) => outcomesOf(one, schema, facts)
  const ofValues = (name: string, of: (column: PlainColumn) => Outcomes): Outcomes => {
    const column = plainColumn(schema, name)
    const nulls = facts.nulls(column)
    return ((nulls.some ? UNKNOWN : 0) | (nulls.others ? of(column) : 0)) & ANY
  }
  switch (predicate.kind) {
    case 'always':
      return TRUE
    case 'not':
      return negated(inner(predicate.of))
    case 'and':
      return conjunction(predicate.of.map(inner))
    case 'or':
      return disjunction(predicate.of.map(inner))
    case 'isNull': {
      const nulls = facts.nulls(plainColumn(schema, predicate.column))
      return (nulls.some ? TRUE : 0) | (nulls.others ? FALSE : 0)
    }
    case 'compare': {
      const { op, value } = predicate
      return ofValues(predicate.column, (column) =>
        comparisonOutcomes(op, facts.relations(column, value)),
      )
    }
    case 'in': {
      const { values } = predicate
      return ofValues(predicate.column, (column) =>
        disjunction(values.map((value) => comparisonOutcomes('=', facts.relations(column, value)))),
      )
    }
  }
}

function factsOfFile(file: DataFile, spec: PartitionSpecJson): Facts {
  return {
    nulls({ id }) {
      const identity = spec.fields.find(
        (field) => field['source-id'] === id && field.transform === 'identity',
      )
      if (identity) {
        const isNull = (file.partition[identity.name] ?? null) === null
        return { some: isNull, others: !isNull }
      }
      const [nulls, values] = [file.nullCounts[id], file.valueCounts[id]]
      if (nulls === undefined) return { some: true, others: true }
      return { some: nulls > 0, others: values === undefined || nulls < values }
    },
    relations({ id, type }, value) {
      let relations = within(
        file.lowerBounds[id] === undefined ? undefined : boundOf(type, file.lowerBounds[id]),
        file.upperBounds[id] === undefined ? undefined : boundOf(type, file.upperBounds[id]),
        comparable(value),
      )
      for (const field of spec.fields) {
        if (field['source-id'] !== id || !isTransform(field.transform)) continue
        const partition = file.partition[field.name] ?? null
        const made = transformedType(field.transform, type)
        if (partition === null || made === undefined) continue
        const held = comparable(partitionScalar(made, partition))
        relations &= byPartition(field.transform, { id, type, name: '' }, value, (wanted) =>
          relationOf(held, wanted),
        )
      }
      const hasNaN = type === 'double' && file.nanCounts[id] !== 0
      return hasNaN ? relations | UNORDERED : relations
    },
  }
}

function factsOfManifest(
  { partitions }: ManifestFile,
  schema: TableSchema,
  spec: PartitionSpecJson,
): Facts {
  return {
    nulls: () => ({ some: true, others: true }),
    relations(column, value) {
      let relations = ANY_RELATION
      for (const [at, field] of spec.fields.entries()) {
        const summary = partitions?.[at]
        const source = schema.fields.find(({ id }) => id === field['source-id'])?.type
        if (!summary || field['source-id'] !== column.id || !isTransform(field.transform)) continue
        const made = isPrimitiveType(source) && transformedType(field.transform, source)
        if (!made) continue
        const { lowerBound, upperBound } = summary
        // Values that are no numbers have no bounds, and what has no value neither: unknown of it anyway.
        relations &= byPartition(field.transform, column, value, (wanted) =>
          within(
            lowerBound ? boundOf(made, lowerBound) : undefined,
            upperBound ? boundOf(made, upperBound) : undefined,
            wanted,
          ),
        )
      }
      return column.type === 'double' ? relations | UNORDERED : relations
    },
  }
}

/** How what lies between two bounds, as far as there are any, can stand to a value. */
function within(
  lower: ReturnType<typeof comparable> | undefined,
  upper: ReturnType<typeof comparable> | undefined,
  value: ReturnType<typeof comparable>,
): Relations {
  let relations = ANY_RELATION
  if (lower !== undefined) {
    const relation = relationOf(lower, value)
    if (relation === GREATER) relations &= GREATER
    if (relation === EQUAL) relations &= EQUAL | GREATER
  }
  if (upper !== undefined) {
    const relation = relationOf(upper, value)
    if (relation === LESS) relations &= LESS
    if (relation === EQUAL) relations &= EQUAL | LESS
  }
  return relations
}

/** How values can stand to another one, by how their partitions can stand to that one's. */
function byPartition(
  transform: Transform,
  { type }: PlainColumn,
  value: ScalarValue,
  relationsTo: (wanted: ReturnType<typeof comparable>) => Relations,
): Relations {
  if (transform === 'void' || Number.isNaN(value)) return ANY_RELATION
  const wanted = transformed(transform, type, value)
  if (wanted === null) return ANY_RELATION
  const relations = relationsTo(comparable(wanted))
  if (transform === 'identity') return relations
  if (relations & (EQUAL | UNORDERED)) return ANY_RELATION
  // Buckets are in no order, and truncated numbers go round at the end of theirs.
  const isOrdered = transform.startsWith('truncate') ? type === 'string' : !isBucket(transform)
  return isOrdered ? relations : LESS | GREATER
}

function isBucket(transform: Transform): boolean {
  return transform.startsWith('bucket')
}
