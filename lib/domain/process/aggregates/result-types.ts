import type { Field, FieldType } from '#lib/domain/contract/contract.ts'

/** A list of values that are never null. */
export function listOf(type: FieldType): FieldType {
  return { kind: 'list', element: memberOf('element', type) }
}

/** An object of values that are never null, in this order. */
export function structOf(members: Readonly<Record<string, FieldType>>): FieldType {
  return {
    kind: 'struct',
    fields: Object.entries(members).map(([name, type]) => memberOf(name, type)),
  }
}

/** Id 0: who makes a table of it assigns ids. */
function memberOf(name: string, type: FieldType): Field {
  return { id: 0, name, type, required: true, description: '', personal: false, constraints: {} }
}
