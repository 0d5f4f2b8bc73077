/**
 * Room for so many numbers, those of `before` first, the others 0: the same array while it is long enough, else one that is
 * at least twice as long.
 */
export function roomFor(count: number, before: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer>
export function roomFor(count: number, before: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer>
export function roomFor(
  count: number,
  before: Int32Array<ArrayBuffer> | Float64Array<ArrayBuffer>,
): Int32Array<ArrayBuffer> | Float64Array<ArrayBuffer> {
  if (count <= before.length) return before
  const length = Math.max(count, 2 * before.length)
  const wider = before instanceof Int32Array ? new Int32Array(length) : new Float64Array(length)
  wider.set(before)
  return wider
}
