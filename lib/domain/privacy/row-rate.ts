import type { Clock } from '#lib/domain/kernel/clock.ts'
import { PlatformError } from '#lib/domain/kernel/errors.ts'

/** Rows that one process opens in a minute: enough for people at work, far too few to carry a lake away. */
const ROWS_PER_MINUTE = 10_000
const MS_PER_MINUTE = 60_000

/** A bucket of rows that fills evenly. */
export class RowRate {
  readonly #clock: Clock
  readonly #perMinute: number
  #left: number
  #atMs: number

  /** @param perMinute rows, also at once after a pause */
  constructor(clock: Clock, perMinute = ROWS_PER_MINUTE) {
    this.#clock = clock
    this.#perMinute = perMinute
    this.#left = perMinute
    this.#atMs = clock.nowMs()
  }

  /** Throws `privacy.tooFast`, retryable, if so many rows are too many now. */
  take(rows: number): void {
    const nowMs = this.#clock.nowMs()
    const filled = ((nowMs - this.#atMs) / MS_PER_MINUTE) * this.#perMinute
    this.#left = Math.min(this.#perMinute, this.#left + Math.max(0, filled))
    this.#atMs = nowMs
    if (rows > this.#left) {
      throw new PlatformError(
        'privacy.tooFast',
        `at most ${this.#perMinute} rows a minute are unsealed: wait a minute, and ask for fewer`,
        { retryable: true },
      )
    }
    this.#left -= rows
  }
}
