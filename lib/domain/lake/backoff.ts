export interface Backoff {
  readonly sleep: (ms: number) => Promise<void>
  /** In [0, 1). */
  readonly random: () => number
  /** Longest wait before the second attempt; doubles from there. @default 50 */
  readonly firstMs?: number
  /** @default 5000 */
  readonly mostMs?: number
}

/** Waits a random part of a growing span, so that rivals who met once do not meet again. */
export function jitteredBackoff(options: Backoff): (attempt: number) => Promise<void> {
  const { sleep, random, firstMs = 50, mostMs = 5000 } = options
  return (attempt) => sleep(random() * Math.min(mostMs, firstMs * 2 ** Math.max(0, attempt - 2)))
}
