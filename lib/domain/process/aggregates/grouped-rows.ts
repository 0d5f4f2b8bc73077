import type { Column, ColumnBatch } from '#lib/domain/kernel/columns.ts'
import { PlatformError } from '#lib/domain/kernel/errors.ts'

/** Belongs to no group. */
export const NO_GROUP = -1

/** A column of the batch. */
export function columnOf(batch: ColumnBatch, name: string): Column {
  const column = batch.columns.get(name)
  if (column !== undefined) return column
  throw new PlatformError('view.invalid', `the batch lacks the column "${name}" that is aggregated`)
}

/** The groups with the rows taken out that have no value: the loops after it need not look at nulls. */
export function groupsOfValues({ nulls }: Pick<Column, 'nulls'>, groups: Int32Array): Int32Array {
  if (nulls === undefined) return groups
  const present = new Int32Array(groups)
  for (let row = 0; row < present.length; row++) {
    if (nulls[row] === 1) present[row] = NO_GROUP
  }
  return present
}

/** How many rows each group has. */
export function rowsOfGroups(groups: Int32Array, groupCount: number): Float64Array {
  const counts = new Float64Array(groupCount)
  for (let row = 0; row < groups.length; row++) {
    const group = groups[row]!
    if (group !== NO_GROUP) counts[group]!++
  }
  return counts
}

/** The 64-bit values as halves of the same buffer: row r has its low word at 2r, its high word at 2r + 1. */
export function wordsOf(values: BigInt64Array | Float64Array): {
  readonly unsigned: Uint32Array
  readonly signed: Int32Array
} {
  const { buffer, byteOffset, length } = values
  return {
    unsigned: new Uint32Array(buffer, byteOffset, 2 * length),
    signed: new Int32Array(buffer, byteOffset, 2 * length),
  }
}

/** The integers as doubles: beyond 2^53 the nearest ones. */
export function doublesOf(values: BigInt64Array): Float64Array {
  const { signed, unsigned } = wordsOf(values)
  const doubles = new Float64Array(values.length)
  for (let row = 0; row < doubles.length; row++) {
    doubles[row] = signed[2 * row + 1]! * 2 ** 32 + unsigned[2 * row]!
  }
  return doubles
}

/** A code per row that counts, sorted within each group: group g has those from `starts[g]` to `starts[g + 1]`. */
export interface SortedCodes<Codes> {
  readonly codes: Codes
  readonly starts: Int32Array
}

/** Gathers the codes of each group, and sorts them: by size, since no two places of a sorted state may differ. */
export function codesByGroup<Codes extends Int32Array | Uint32Array>(
  codes: Codes,
  groups: Int32Array,
  groupCount: number,
): SortedCodes<Codes> {
  const starts = new Int32Array(groupCount + 1)
  for (let row = 0; row < groups.length; row++) {
    const group = groups[row]!
    if (group !== NO_GROUP) starts[group + 1]!++
  }
  for (let group = 0; group < groupCount; group++) starts[group + 1]! += starts[group]!
  const next = starts.slice()
  const gathered = codes.slice(0, starts[groupCount]) as Codes
  for (let row = 0; row < groups.length; row++) {
    const group = groups[row]!
    if (group !== NO_GROUP) gathered[next[group]!++] = codes[row]!
  }
  for (let group = 0; group < groupCount; group++) {
    const [start, end] = [starts[group]!, starts[group + 1]!]
    if (end - start > 1) gathered.subarray(start, end).sort()
  }
  return { codes: gathered, starts }
}
