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
