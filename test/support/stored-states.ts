/** Reads stored aggregate states with other means than the code under test: by their place in the stored list. */

export function storedCount(stored: unknown): number {
  const [tag, count] = stored as [string, number]
  if (tag !== 'count/1') throw new Error(`no stored count: ${tag}`)
  return count
}

/** Unscaled. */
export function storedSum(stored: unknown): bigint {
  const [tag, , sum] = stored as [string, number, number | string]
  if (tag !== 'sum/1') throw new Error(`no stored sum: ${tag}`)
  return BigInt(sum)
}
