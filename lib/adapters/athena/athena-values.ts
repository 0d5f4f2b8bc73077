/** A value of a result as JSON has it. */
export type CellValue = null | boolean | number | string

const INTEGERS = new Set(['tinyint', 'smallint', 'int', 'integer', 'bigint'])
const FLOATS = new Set(['float', 'real', 'double'])

/**
 * A value by its type: integers and floats as numbers (an integer that a number does not hold stays text, and so do NaN
 * and infinities), decimals as exact text, dates and times as ISO 8601 text, everything else as Athena writes it.
 */
export function athenaValue(type: string, text: string | undefined): CellValue {
  if (text === undefined) return null
  if (INTEGERS.has(type)) return Number.isSafeInteger(Number(text)) ? Number(text) : text
  if (FLOATS.has(type)) return Number.isFinite(Number(text)) && text !== '' ? Number(text) : text
  if (type === 'boolean') return text === 'true'
  if (type.startsWith('timestamp')) return isoTime(text)
  return text
}

/** `2019-01-31 12:04:54.000 UTC` → `2019-01-31T12:04:54.000Z`. */
function isoTime(text: string): string {
  const match = /^(\d{4,}-\d{2}-\d{2}) (\d{2}:\d{2}:\d{2}(?:\.\d+)?)(?: (.+))?$/.exec(text)
  if (match === null) return text
  const [, date, time, zone] = match
  if (zone === undefined) return `${date}T${time}`
  if (zone === 'UTC' || zone === '+00:00') return `${date}T${time}Z`
  return /^[+-]\d{2}:\d{2}$/.test(zone) ? `${date}T${time}${zone}` : text
}
