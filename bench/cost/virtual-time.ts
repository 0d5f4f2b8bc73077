interface Timer {
  readonly atMs: number
  readonly order: number
  readonly fire: () => void
}

/**
 * Time that moves only when it is told to: calls to stores take none of it. What is due fires in order, and whatever
 * it started comes to rest before time goes on.
 */
export class VirtualTime {
  #nowMs: number
  readonly #timers: Timer[] = []
  #order = 0
  #busy = 0
  #fault: unknown
  #waiting: (() => void)[] = []

  constructor(startMs: number) {
    this.#nowMs = startMs
  }

  nowMs(): number {
    return this.#nowMs
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.#at(this.#nowMs + ms, resolve))
  }

  /** Does the work when its time has come; time stands still until it is done. */
  after(ms: number, work: () => Promise<void>): void {
    this.#at(this.#nowMs + ms, () => {
      this.during(work).catch((error: unknown) => {
        this.#fault ??= error
      })
    })
  }

  /** Time stands still until this is done. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    this.#busy += 1
    try {
      return await work()
    } finally {
      this.#busy -= 1
      if (this.#busy === 0) for (const resolve of this.#waiting.splice(0)) resolve()
    }
  }

  /** Throws what any work that came due has thrown. */
  async advanceTo(ms: number): Promise<void> {
    for (;;) {
      if (this.#busy > 0 || (this.#timers[0]?.atMs ?? Infinity) <= ms) await this.#rest()
      if (this.#fault !== undefined) throw this.#fault
      const next = this.#timers[0]
      if (next === undefined || next.atMs > ms) break
      this.#timers.shift()
      this.#nowMs = Math.max(this.#nowMs, next.atMs)
      next.fire()
    }
    this.#nowMs = Math.max(this.#nowMs, ms)
  }

  #at(atMs: number, fire: () => void): void {
    const timer = { atMs, order: this.#order++, fire }
    const later = this.#timers.findIndex((one) => one.atMs > atMs)
    this.#timers.splice(later === -1 ? this.#timers.length : later, 0, timer)
  }

  /** Two turns without work: what a resolved promise starts has started by then. */
  async #rest(): Promise<void> {
    for (let quiet = 0; quiet < 2; ) {
      await new Promise<void>((resolve) => {
        if (this.#busy > 0) this.#waiting.push(resolve)
        else setImmediate(resolve)
      })
      quiet = this.#busy === 0 ? quiet + 1 : 0
    }
  }
}
