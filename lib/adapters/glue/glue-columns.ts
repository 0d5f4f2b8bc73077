import type { Column } from '@aws-sdk/client-glue'
import type { IcebergType, TableField, TableSchema } from '#lib/domain/lake/schema.ts'

/** Longest comment that Glue takes. */
const COMMENT_LENGTH = 255

/** Columns in Hive's types, for engines and people that browse Glue; Iceberg readers use the metadata. */
export function glueColumns(schema: TableSchema): Column[] {
  return schema.fields.map((field: TableField) => ({
    Name: field.name,
    Type: hiveType(field.type),
    ...(field.doc && { Comment: field.doc.replace(/\s+/g, ' ').slice(0, COMMENT_LENGTH) }),
    Parameters: {
      'iceberg.field.id': String(field.id),
      'iceberg.field.optional': String(!field.required),
      'iceberg.field.current': 'true',
    },
  }))
}

function hiveType(type: IcebergType): string {
  if (typeof type !== 'string') return nestedType(type)
  switch (type) {
    case 'long':
      return 'bigint'
    case 'timestamptz':
      return 'timestamp'
    default:
      return type.replace(/\s+/g, '')
  }
}

function nestedType(type: Exclude<IcebergType, string>): string {
  if (type.type === 'list') return `array<${hiveType(type.element)}>`
  return `struct<${type.fields.map((field) => `${field.name}:${hiveType(field.type)}`).join(',')}>`
}
