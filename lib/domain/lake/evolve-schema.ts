import { PlatformError } from '../kernel/errors.ts'
import { decimalOf, type IcebergType, type TableField, type TableSchema } from './schema.ts'
import {
  currentSchemaJson,
  type SchemaJson,
  type TableMetadata,
  tableSchema,
} from './table-metadata.ts'

/**
 * The table's schema, widened to hold rows of the wanted one too; undefined if it can already. Fields are matched by
 * id. It is never narrowed: what the wanted schema lacks stays, a required field that may now be absent becomes
 * optional for good, and of two types the wider one holds. So it makes no difference in which order an older and a
 * newer deployment commit. A wanted field without a doc leaves the table's.
 *
 * Throws `lake.schemaConflict` if a field has another name or a type that neither widens to the other.
 */
export function evolvedSchema(table: TableSchema, wanted: TableSchema): TableSchema | undefined {
  const known = new Map(table.fields.map((field) => [field.id, field]))
  const wantedById = new Map(wanted.fields.map((field) => [field.id, field]))
  const kept = table.fields.map((field) => merged(field, wantedById.get(field.id)))
  const added = wanted.fields
    .filter((field) => !known.has(field.id))
    // Files that lie in the table have no value for it.
    .map((field) => ({ ...field, required: false }))
  const isSame = added.length === 0 && kept.every((field, at) => field === table.fields[at])
  return isSame ? undefined : { fields: [...kept, ...added] }
}

/** The field itself if nothing changes. */
function merged(field: TableField, wanted: TableField | undefined): TableField {
  if (wanted === undefined) return field
  if (wanted.name !== field.name) {
    throw conflict(
      `field ${field.id} is "${field.name}" in the table and "${wanted.name}" in a file`,
    )
  }
  const type = widerType(field, wanted)
  const required = field.required && wanted.required
  const doc = wanted.doc ?? field.doc
  if (type === field.type && required === field.required && doc === field.doc) return field
  return { ...field, type, required, ...(doc === undefined ? {} : { doc }) }
}

function widerType(field: TableField, wanted: TableField): IcebergType {
  const [is, other] = [field.type, wanted.type]
  if (is === other) return is
  if ((is === 'int' || is === 'long') && (other === 'int' || other === 'long')) return 'long'
  const [a, b] = [decimalOf(is), decimalOf(other)]
  if (a !== undefined && b !== undefined && a.scale === b.scale) {
    return a.precision > b.precision ? is : other
  }
  throw conflict(`field ${field.id} ("${field.name}") is ${is} in the table and ${other} in a file`)
}

function conflict(message: string): PlatformError {
  return new PlatformError('lake.schemaConflict', message)
}

/**
 * The metadata with a schema that holds these rows too as its current one; the same metadata if it holds them
 * already. Snapshots keep the schema that they were made with.
 */
export function evolveMetadata(base: TableMetadata, wanted: TableSchema): TableMetadata {
  const current = currentSchemaJson(base)
  const evolved = evolvedSchema(tableSchema(current), wanted)
  if (evolved === undefined) return base
  const schemaId = Math.max(...base.schemas.map((schema) => schema['schema-id'])) + 1
  const known = new Map(current.fields.map((field) => [field.id, field]))
  const schema: SchemaJson = {
    ...current,
    'schema-id': schemaId,
    // What other engines noted at a field stays there.
    fields: evolved.fields.map((field) => ({ ...known.get(field.id), ...field })),
  }
  return {
    ...base,
    schemas: [...base.schemas, schema],
    'current-schema-id': schemaId,
    'last-column-id': Math.max(base['last-column-id'], ...evolved.fields.map(({ id }) => id)),
  }
}
