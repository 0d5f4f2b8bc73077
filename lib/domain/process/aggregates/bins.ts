/** How many values each key has: keys in ascending order, each once, and every count at least 1. */
export interface Bins {
  readonly keys: Int32Array
  readonly counts: Float64Array
}

export const NO_BINS: Bins = { keys: new Int32Array(), counts: new Float64Array() }

/** Of keys in ascending order, one per value. */
export function binsOf(sorted: Int32Array): Bins {
  let bins = 0
  for (let at = 0; at < sorted.length; at++) {
    if (at === 0 || sorted[at] !== sorted[at - 1]) bins++
  }
  const keys = new Int32Array(bins)
  const counts = new Float64Array(bins)
  let bin = -1
  for (let at = 0; at < sorted.length; at++) {
    if (at === 0 || sorted[at] !== sorted[at - 1]) keys[++bin] = sorted[at]!
    counts[bin]!++
  }
  return { keys, counts }
}

export function addBins(a: Bins, b: Bins): Bins {
  if (a.keys.length === 0) return b
  if (b.keys.length === 0) return a
  const keys = new Int32Array(a.keys.length + b.keys.length)
  const counts = new Float64Array(keys.length)
  let [fromA, fromB, to] = [0, 0, 0]
  while (fromA < a.keys.length || fromB < b.keys.length) {
    const keyA = fromA < a.keys.length ? a.keys[fromA]! : Infinity
    const keyB = fromB < b.keys.length ? b.keys[fromB]! : Infinity
    keys[to] = Math.min(keyA, keyB)
    if (keyA <= keyB) counts[to]! += a.counts[fromA++]!
    if (keyB <= keyA) counts[to]! += b.counts[fromB++]!
    to++
  }
  return { keys: keys.slice(0, to), counts: counts.slice(0, to) }
}

/**
 * At most `limit` bins for each sign: what lies further below the greatest magnitude goes to the last bin that is
 * kept. Which bins are kept follows from the greatest magnitude alone, which merging only raises: so it makes no
 * difference whether bins are given up before or after they are added.
 */
export function limitBins(bins: Bins, limit: number): Bins {
  const { keys } = bins
  const least = keys[0] ?? 0
  const greatest = keys.at(-1) ?? 0
  // Of negative numbers, and of positive ones: the bin nearest to zero that is kept.
  const negative = Math.min(least + limit - 1, -1)
  const positive = Math.max(greatest - limit + 1, 1)
  const isWithin = keys.every((key) => key === 0 || key <= negative || key >= positive)
  if (isWithin) return bins
  const sums = new Map<number, number>()
  keys.forEach((key, at) => {
    const kept = key < 0 ? Math.min(key, negative) : key > 0 ? Math.max(key, positive) : 0
    sums.set(kept, (sums.get(kept) ?? 0) + bins.counts[at]!)
  })
  return { keys: Int32Array.from(sums.keys()), counts: Float64Array.from(sums.values()) }
}
