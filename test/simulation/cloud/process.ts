/**
 * One execution environment: a Lambda instance, a producer, another engine. Dead, it does nothing more and learns
 * nothing more; what it sent before may still arrive.
 */
export class Process {
  readonly name: string
  /** Of its calls, how many it has made: names each of them. */
  calls = 0
  /** Called at each call that it makes, before that is sent. */
  onCall: (() => void) | undefined
  /** When its present invocation began. */
  invokedMs = 0
  /** Whether a call of its present invocation was made to fail. */
  hasMetFault = false
  /** Milliseconds that its own clock is off. */
  clockSkewMs = 0
  /** How a zombie goes on; undefined while somebody still waits for its answer. */
  zombie: ZombieCourse | undefined
  #isAlive = true
  #onDeath: (() => void)[] = []

  /** Whether it may die on the way: not somebody who sees to it that his work is done. */
  readonly isMortal: boolean
  /** Whether it may stand still for hours and then go on: not a function, which has a time-out. */
  readonly mayFreeze: boolean
  /** The call before which it does stand still. */
  readonly freezes: Freeze | undefined

  constructor(
    name: string,
    options: {
      readonly isMortal?: boolean
      readonly mayFreeze?: boolean
      readonly freezes?: Freeze
    } = {},
  ) {
    this.name = name
    this.isMortal = options.isMortal ?? true
    this.mayFreeze = options.mayFreeze ?? false
    this.freezes = options.freezes
  }

  get isAlive(): boolean {
    return this.#isAlive
  }

  /** Calls back when it dies; until the returned function is called. */
  onDeath(callback: () => void): () => void {
    this.#onDeath.push(callback)
    return () => {
      this.#onDeath = this.#onDeath.filter((one) => one !== callback)
    }
  }

  die(): void {
    if (!this.#isAlive) return
    this.#isAlive = false
    for (const callback of this.#onDeath.splice(0)) callback()
  }
}

/** Standing still for so long before the n-th call. */
export interface Freeze {
  readonly atCall: number
  readonly ms: number
}

/** What an invocation does once it has timed out and its next attempt has started. */
export interface ZombieCourse {
  /** After this many calls of its life it stands still, and goes on when everything else has come to rest. */
  readonly parksAfterCall: number
  /** Milliseconds more that each of its calls takes. */
  readonly slowerMs: number
}
