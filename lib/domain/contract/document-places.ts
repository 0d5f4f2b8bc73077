import type { JsonValue } from '#lib/domain/kernel/json.ts'
import { type DocumentPath, isObject } from './document-node.ts'

/** Where things stand in the document of a valid contract. */
export const SCHEMA: DocumentPath = ['schema', 0]

/** The fields stand in the document in the order in which they are compiled. */
export function placeOfField(parent: DocumentPath, index: number): DocumentPath {
  return [...parent, 'properties', index]
}

/** A custom property's value; if it is not stated, where it would be. */
export function placeOfCustom(
  document: JsonValue,
  owner: DocumentPath,
  name: string,
): DocumentPath {
  const list = valueAt(document, [...owner, 'customProperties'])
  const index = Array.isArray(list)
    ? list.findIndex((item) => isObject(item) && item.property === name)
    : -1
  return index === -1
    ? [...owner, 'customProperties', Number.MAX_SAFE_INTEGER]
    : [...owner, 'customProperties', index, 'value']
}

/** An item of a list by a member that names it; if there is none, where it would be. */
export function placeOfItem(
  document: JsonValue,
  list: DocumentPath,
  matches: (item: { readonly [name: string]: JsonValue }) => boolean,
): DocumentPath {
  const items = valueAt(document, list)
  const index = Array.isArray(items)
    ? items.findIndex((item) => isObject(item) && matches(item))
    : -1
  return [...list, index === -1 ? Number.MAX_SAFE_INTEGER : index]
}

/** The value at a place, or undefined. */
export function valueAt(document: JsonValue, path: DocumentPath): JsonValue | undefined {
  let value: JsonValue | undefined = document
  for (const step of path) {
    if (Array.isArray(value)) value = value[step as number]
    else if (isObject(value) && Object.hasOwn(value, step)) value = value[step]
    else return undefined
  }
  return value
}
