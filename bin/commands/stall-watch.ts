/** What has to move on: something is under way, and how much of it has come to a good end. */
export interface Progress {
  readonly isUnderWay: boolean
  readonly done: number
}

const LOOK_EVERY_MS = 100

/**
 * Gives up work that makes no progress for so long. Time in which nothing is under way does not count: whoever waits
 * for a file or for a rate is not stuck.
 */
export class StallWatch {
  readonly #stop = new AbortController()
  readonly #timer: NodeJS.Timeout
  #moved = performance.now()
  #done = 0

  constructor(timeoutMs: number, progress: () => Progress) {
    this.#timer = setInterval(
      () => {
        const { isUnderWay, done } = progress()
        if (!isUnderWay || done > this.#done) this.#moved = performance.now()
        this.#done = done
        if (performance.now() - this.#moved > timeoutMs) this.#stop.abort()
      },
      Math.min(LOOK_EVERY_MS, timeoutMs),
    )
  }

  /** Aborted once it has waited long enough. */
  get signal(): AbortSignal {
    return this.#stop.signal
  }

  end(): void {
    clearInterval(this.#timer)
  }
}
