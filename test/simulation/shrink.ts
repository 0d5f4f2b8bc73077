/**
 * The fewest parts with which it still fails, as far as a greedy search finds them: halves are left out, then
 * quarters, down to single parts, for as long as that leaves a failure.
 */
export async function shrink<Part>(
  parts: readonly Part[],
  fails: (parts: readonly Part[]) => Promise<boolean>,
  mostRuns = 400,
): Promise<readonly Part[]> {
  let kept = parts
  let runs = 0
  for (let size = Math.ceil(kept.length / 2); size >= 1; size = Math.floor(size / 2)) {
    for (let at = 0; at < kept.length; ) {
      if (++runs > mostRuns) return kept
      const without = [...kept.slice(0, at), ...kept.slice(at + size)]
      if (await fails(without)) kept = without
      else at += size
    }
  }
  return kept
}
