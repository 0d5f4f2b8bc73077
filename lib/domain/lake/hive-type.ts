import type { IcebergType } from './schema.ts'

/** A type in Hive's words, which are those of the Glue catalog. Hive knows no time zones. */
export function hiveType(type: IcebergType): string {
  if (typeof type === 'string') {
    switch (type) {
      case 'long':
        return 'bigint'
      case 'timestamptz':
        return 'timestamp'
      default:
        return type.replace(/\s+/g, '')
    }
  }
  if (type.type === 'list') return `array<${hiveType(type.element)}>`
  return `struct<${type.fields.map((field) => `${field.name}:${hiveType(field.type)}`).join(',')}>`
}
