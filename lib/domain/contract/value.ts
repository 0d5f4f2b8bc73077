import type { Scalar } from './scalar.ts'

/** A value as it goes into columns: an object as the values of its fields in their order, an array as its elements. */
export type Value = Scalar | readonly (Value | null)[]

/** Equal for equal values only: what tells the elements of a list apart. */
export function valueKey(value: Value | null): string {
  if (value === null) return 'null'
  if (typeof value === 'object') return `[${value.map(valueKey).join(',')}]`
  return typeof value === 'string' ? JSON.stringify(value) : String(value)
}
