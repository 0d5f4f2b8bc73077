import { SCHEMA_URN } from '#lib/domain/contract/contract-versions.ts'

/**
 * The `dataschema` of an event, if it is one of Weir's; undefined also for what is no event. Most events that have
 * none are told by one look for the word, without being parsed.
 */
export function declaredSchema(text: string): string | undefined {
  // An escape may hide any letter of the name; nobody writes it so, but JSON would let them.
  if (!text.includes('dataschema') && !text.includes('\\u')) return undefined
  let event: unknown
  try {
    event = JSON.parse(text)
  } catch {
    return undefined
  }
  if (typeof event !== 'object' || event === null || !Object.hasOwn(event, 'dataschema')) {
    return undefined
  }
  const { dataschema } = event as { dataschema: unknown }
  if (typeof dataschema !== 'string' || !dataschema.startsWith(SCHEMA_URN)) return undefined
  return dataschema
}
