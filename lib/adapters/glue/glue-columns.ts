import type { Column } from '@aws-sdk/client-glue'
import { hiveType } from '#lib/domain/lake/hive-type.ts'
import type { TableField, TableSchema } from '#lib/domain/lake/schema.ts'

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
