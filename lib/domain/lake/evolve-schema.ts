import { PlatformError } from '../kernel/errors.ts'
import {
  allFields,
  decimalOf,
  elementOf,
  type IcebergType,
  type TableField,
  type TableSchema,
  typeText,
} from './schema.ts'
import {
  currentSchemaJson,
  type SchemaJson,
  type TableMetadata,
  tableSchema,
} from './table-metadata.ts'

/**
 * The table's schema, widened to hold rows of the wanted one too; undefined if it can already. Fields are matched by
 * id, also inside of structs and lists. It is never narrowed: what the wanted schema lacks stays, a required field that
 * may now be absent becomes optional for good, and of two types the wider one holds. So it makes no difference in which
 * order an older and a newer deployment commit. A wanted field without a doc leaves the table's.
 *
 * Throws `lake.schemaConflict` if a field has another name or a type that neither widens to the other.
 */
export function evolvedSchema(table: TableSchema, wanted: TableSchema): TableSchema | undefined {
  const fields = mergedFields(table.fields, wanted.fields)
  return fields === table.fields ? undefined : { fields }
}

/** The very same list if nothing changes. */
function mergedFields(
  fields: readonly TableField[],
  wanted: readonly TableField[],
): readonly TableField[] {
  const known = new Set(fields.map((field) => field.id))
  const wantedById = new Map(wanted.map((field) => [field.id, field]))
  const kept = fields.map((field) => mergedField(field, wantedById.get(field.id)))
  const added = wanted
    .filter((field) => !known.has(field.id))
    // Files that lie in the table have no value for it.
    .map((field) => ({ ...field, required: false }))
  const isSame = added.length === 0 && kept.every((field, at) => field === fields[at])
  return isSame ? fields : [...kept, ...added]
}

/** The field itself if nothing changes. */
function mergedField(field: TableField, wanted: TableField | undefined): TableField {
  if (wanted === undefined) return field
  if (wanted.name !== field.name) {
    throw schemaConflict(
      `field ${field.id} is "${field.name}" in the table and "${wanted.name}" in a file`,
    )
  }
  const type = widerType(field, wanted)
  const required = field.required && wanted.required
  const doc = wanted.doc ?? field.doc
  if (type === field.type && required === field.required && doc === field.doc) return field
  return { ...field, type, required, ...(doc === undefined ? {} : { doc }) }
}

/** The field's own type, the same object, if it holds the wanted one. */
function widerType(field: TableField, wanted: TableField): IcebergType {
  const [is, other] = [field.type, wanted.type]
  if (typeof is !== 'string' && typeof other !== 'string' && is.type === other.type) {
    if (is.type === 'struct' && other.type === 'struct') {
      const fields = mergedFields(is.fields, other.fields)
      return fields === is.fields ? is : { ...is, fields }
    }
    if (is.type === 'list' && other.type === 'list' && is['element-id'] === other['element-id']) {
      const own = elementOf(is)
      const element = mergedField(own, elementOf(other))
      if (element === own) return is
      return { ...is, element: element.type, 'element-required': element.required }
    }
  }
  if (is === other) return is
  if ((is === 'int' || is === 'long') && (other === 'int' || other === 'long')) return 'long'
  const [a, b] = [decimalOf(is), decimalOf(other)]
  if (a !== undefined && b !== undefined && a.scale === b.scale) {
    return a.precision > b.precision ? is : other
  }
  throw schemaConflict(
    `field ${field.id} ("${field.name}") is ${typeText(is)} in the table and ${typeText(other)} in a file`,
  )
}

export function schemaConflict(message: string): PlatformError {
  return new PlatformError('lake.schemaConflict', message)
}

/**
 * The metadata with a schema that holds these rows too as its current one; the same metadata if it holds them
 * already. Snapshots keep the schema that they were made with. What the table has renamed or dropped stays so when
 * files of an older schema come in: their column has the new name, or none that anybody reads.
 */
export function evolveMetadata(base: TableMetadata, wanted: TableSchema): TableMetadata {
  const current = currentSchemaJson(base)
  const table = tableSchema(current)
  const evolved = evolvedSchema(table, { fields: upToDate(wanted.fields, table, base) })
  if (evolved === undefined) return base
  const schemaId = Math.max(...base.schemas.map((schema) => schema['schema-id'])) + 1
  const known = new Map(current.fields.map((field) => [field.id, field]))
  const schema: SchemaJson = {
    ...current,
    'schema-id': schemaId,
    // What other engines noted at a field stays there.
    fields: evolved.fields.map((field) => ({ ...known.get(field.id), ...field })),
  }
  const ids = allFields(evolved.fields).map(({ id }) => id)
  return {
    ...base,
    schemas: [...base.schemas, schema],
    'current-schema-id': schemaId,
    'last-column-id': Math.max(base['last-column-id'], ...ids),
  }
}

/** The wanted fields by the names that the table has given them since, without those that it has dropped. */
function upToDate(
  wanted: readonly TableField[],
  table: TableSchema,
  { schemas }: TableMetadata,
): readonly TableField[] {
  const now = new Map(allFields(table.fields).map(({ id, name }) => [id, name]))
  const isKnown = ({ id, name }: TableField) => now.get(id) === name
  if (allFields(wanted).every(isKnown)) return wanted
  const before = fieldsIn(schemas)
  const update = (fields: readonly TableField[]): readonly TableField[] =>
    fields.flatMap((field) => {
      const [name, names] = [now.get(field.id), before.get(field.id)]
      if (name === undefined && names) return []
      const isOldName = name !== undefined && names?.has(field.name)
      return { ...field, type: updatedType(field.type, update), ...(isOldName && { name }) }
    })
  return update(wanted)
}

function updatedType(
  type: IcebergType,
  update: (fields: readonly TableField[]) => readonly TableField[],
): IcebergType {
  if (typeof type === 'string') return type
  if (type.type === 'struct') return { ...type, fields: update(type.fields) }
  return { ...type, element: updatedType(type.element, update) }
}

/** The names that each field has ever had, by id, whatever types it is made of. */
function fieldsIn(part: unknown, found = new Map<number, Set<string>>()) {
  if (typeof part !== 'object' || part === null) return found
  const { id, name } = part as { id?: number; name?: string }
  if (id !== undefined && name !== undefined) {
    found.set(id, (found.get(id) ?? new Set()).add(name))
  }
  for (const inner of Object.values(part)) fieldsIn(inner, found)
  return found
}
