import type { IcebergType } from '#lib/domain/lake/schema.ts'

/** A name as Trino takes any: in quotes. */
export function quotedName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/** A text as a literal, whatever is in it. */
export function sqlText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

/** A type of the lake in Trino's words. */
export function trinoType(type: IcebergType): string {
  if (typeof type === 'string') {
    switch (type) {
      case 'string':
        return 'varchar'
      case 'int':
        return 'integer'
      case 'long':
        return 'bigint'
      case 'timestamptz':
        return 'timestamp(6) with time zone'
      default:
        return type.replace(/\s+/g, '')
    }
  }
  if (type.type === 'list') return `array(${trinoType(type.element)})`
  const members = type.fields.map(
    ({ name, type: member }) => `${quotedName(name)} ${trinoType(member)}`,
  )
  return `row(${members.join(', ')})`
}
