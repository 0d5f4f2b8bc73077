import { PlatformError } from '../kernel/errors.ts'
import { schemaConflict } from './evolve-schema.ts'
import { decimalOf, isPrimitiveType, type PrimitiveType } from './schema.ts'
import { currentSchemaJson, type SchemaJson, type TableMetadata } from './table-metadata.ts'

/** A column or a field of a struct, as metadata has it: also of types that Weir does not write. */
type FieldJson = SchemaJson['fields'][number]

/** Where a column goes among those beside it. */
export type Position = 'first' | { readonly after: number } | { readonly before: number }

/**
 * The metadata with another name for the column of this id, which may be a struct's field. Files keep the name that they
 * were written with: readers go by the id. Throws `lake.schemaConflict` if a neighbour has the name, in any case: Glue and
 * Athena know no capital letters.
 */
export function withColumnRenamed(base: TableMetadata, id: number, name: string): TableMetadata {
  if (name === '') throw schemaConflict('a column needs a name')
  return withSiblings(base, id, (siblings) => {
    const other = siblings.find((field) => field.id !== id && sameName(field.name, name))
    if (other) throw schemaConflict(`column ${other.id} is called ${other.name} already`)
    return siblings.map((field) => (field.id === id ? { ...field, name } : field))
  })
}

/**
 * The metadata without the column of this id. Files keep its values; nobody reads them any more, not even if a writer of
 * an older schema goes on writing them. Throws `lake.schemaConflict` for one that the table is or was parted by, sorted by
 * or identified by, and for the last one.
 */
export function withoutColumn(base: TableMetadata, id: number): TableMetadata {
  // Dropped before: who repeats it after a lost answer has what he wants.
  if (!hasField(currentSchemaJson(base), id) && base.schemas.some((one) => hasField(one, id))) {
    return base
  }
  return withSiblings(base, id, (siblings) => {
    const field = siblings.find((one) => one.id === id)!
    const inside = new Set(idsIn([field]))
    const uses: readonly (readonly [string, readonly number[]])[] = [
      [
        'parted',
        base['partition-specs'].flatMap((spec) => spec.fields.map((one) => one['source-id'])),
      ],
      [
        'sorted',
        base['sort-orders'].flatMap((order) => order.fields.map((one) => one['source-id'])),
      ],
      ['identified', identifiersOf(currentSchemaJson(base))],
    ]
    const used = uses.find(([, ids]) => ids.some((one) => inside.has(one)))
    if (used) throw schemaConflict(`column ${field.name} cannot go: rows are ${used[0]} by it`)
    if (siblings.length === 1) throw schemaConflict(`column ${field.name} is the last one`)
    return siblings.filter((one) => one.id !== id)
  })
}

/** The metadata with the column elsewhere among its neighbours. Throws `lake.unknownField` for one that is not there. */
export function withColumnMoved(base: TableMetadata, id: number, to: Position): TableMetadata {
  return withSiblings(base, id, (siblings) => {
    const field = siblings.find((one) => one.id === id)!
    const others = siblings.filter((one) => one.id !== id)
    if (to === 'first') return [field, ...others]
    const [anchor, shift] = 'after' in to ? [to.after, 1] : [to.before, 0]
    const at = others.findIndex((one) => one.id === anchor)
    if (at < 0) throw unknownField(anchor, `beside ${field.name}`)
    return others.toSpliced(at + shift, 0, field)
  })
}

/**
 * The metadata with a type for the column that holds all of its values and more: 64 bits for 32, more digits before the
 * point. Throws `lake.schemaConflict` for any other.
 */
export function withColumnWidened(
  base: TableMetadata,
  id: number,
  type: PrimitiveType,
): TableMetadata {
  return withSiblings(base, id, (siblings) =>
    siblings.map((field) => (field.id === id ? widened(field, type) : field)),
  )
}

/** The metadata with a column that may be absent from rows. There is no way back: rows may lack it by then. */
export function withColumnOptional(base: TableMetadata, id: number): TableMetadata {
  return withSiblings(base, id, (siblings) =>
    siblings.map((field) => (field.id === id ? { ...field, required: false } : field)),
  )
}

function widened(field: FieldJson, type: PrimitiveType): FieldJson {
  const { type: is, name } = field
  const [from, to] = [decimalOf(is as PrimitiveType), decimalOf(type)]
  const isWider =
    (is === 'int' && type === 'long') ||
    (from && to && from.scale === to.scale && from.precision <= to.precision)
  if ((is === type || isWider) && isPrimitiveType(type)) return { ...field, type }
  throw schemaConflict(`column ${name} cannot become ${type}: it is ${JSON.stringify(is)}`)
}

function sameName(left: string, right: string): boolean {
  return left.toLowerCase() === right.toLowerCase()
}

/** The metadata with the list that the field stands in changed; the same metadata if the change is none. */
function withSiblings(
  base: TableMetadata,
  id: number,
  change: (siblings: readonly FieldJson[]) => readonly FieldJson[],
): TableMetadata {
  const current = currentSchemaJson(base)
  const fields = changedAt(current.fields, id, change)
  if (fields === undefined) throw unknownField(id, 'in the table')
  return withFields(base, fields)
}

/** The metadata with these fields as the current schema: one that was there before has its id again. */
function withFields(base: TableMetadata, fields: readonly FieldJson[]): TableMetadata {
  const current = currentSchemaJson(base)
  const wanted = JSON.stringify(fields)
  if (JSON.stringify(current.fields) === wanted) return base
  const known = base.schemas.find((schema) => JSON.stringify(schema.fields) === wanted)
  if (known) return { ...base, 'current-schema-id': known['schema-id'] }
  const id = Math.max(...base.schemas.map((schema) => schema['schema-id'])) + 1
  return {
    ...base,
    schemas: [...base.schemas, { ...current, 'schema-id': id, fields }],
    'current-schema-id': id,
  }
}

/** The fields with the innermost list that holds the id changed; undefined if none does. */
function changedAt(
  fields: readonly FieldJson[],
  id: number,
  change: (siblings: readonly FieldJson[]) => readonly FieldJson[],
): readonly FieldJson[] | undefined {
  if (fields.some((field) => field.id === id)) return change(fields)
  for (const [at, field] of fields.entries()) {
    const type = changedType(field.type, id, change)
    if (type !== undefined) return fields.with(at, { ...field, type })
  }
  return undefined
}

function changedType(
  type: unknown,
  id: number,
  change: (siblings: readonly FieldJson[]) => readonly FieldJson[],
): unknown {
  if (typeof type !== 'object' || type === null) return undefined
  const { fields } = type as { fields?: readonly FieldJson[] }
  if (fields) {
    const changed = changedAt(fields, id, change)
    return changed && { ...type, fields: changed }
  }
  // A list's element, a map's key and value.
  for (const part of ['element', 'key', 'value']) {
    const changed = changedType((type as Record<string, unknown>)[part], id, change)
    if (changed !== undefined) return { ...type, [part]: changed }
  }
  return undefined
}

function hasField({ fields }: SchemaJson, id: number): boolean {
  return idsIn(fields).includes(id)
}

function idsIn(type: unknown): readonly number[] {
  if (Array.isArray(type)) return type.flatMap(idsIn)
  if (typeof type !== 'object' || type === null) return []
  const { id } = type as { id?: number }
  return [...(id === undefined ? [] : [id]), ...Object.values(type).flatMap(idsIn)]
}

function identifiersOf(schema: SchemaJson): readonly number[] {
  return (schema as { 'identifier-field-ids'?: readonly number[] })['identifier-field-ids'] ?? []
}

function unknownField(id: number, where: string): PlatformError {
  return new PlatformError('lake.unknownField', `there is no field with id ${id} ${where}`)
}
