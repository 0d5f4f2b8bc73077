/** Something that happens at once, at one point of virtual time. */
export interface Turn {
  /** Whose turn it is: a process, a shard's poller, a producer. */
  readonly actor: string
  readonly label: string
  readonly dueMs: number
  readonly run: () => void
  isCancelled?: boolean
}

/** Which of the turns that are due comes next, as an index. */
export type Choose = (due: readonly Turn[]) => number

/** What waits longer than this never happens: nothing is on its way for as long as a cell keeps things in case of it. */
const MOST_PARKED_MS = 6 * 24 * 3_600_000

/** More turns than any healthy run takes: a run that goes on past it never comes to rest. */
const MOST_TURNS = 200_000

/**
 * Virtual time and the order of everything: one turn at a time, and what it set going comes to rest before the next.
 * Time stands still while code runs and jumps to the next turn when nothing is due.
 */
export class Scheduler {
  #nowMs: number
  #turns = 0
  readonly #future: TurnHeap = new TurnHeap()
  readonly #due: Turn[] = []
  #parked: { readonly turn: Turn; readonly sinceMs: number }[] = []
  #failure: { readonly error: unknown } | undefined
  readonly #choose: Choose | undefined
  readonly #onTurn: ((turn: Turn, nowMs: number) => void) | undefined

  constructor(options: {
    readonly startMs: number
    readonly choose?: Choose
    readonly onTurn?: (turn: Turn, nowMs: number) => void
  }) {
    this.#nowMs = options.startMs
    this.#choose = options.choose
    this.#onTurn = options.onTurn
  }

  get nowMs(): number {
    return this.#nowMs
  }

  get turns(): number {
    return this.#turns
  }

  after(ms: number, actor: string, label: string, run: () => void): Turn {
    // Whole milliseconds: the clocks of a cloud have no others.
    const turn = { actor, label, dueMs: this.#nowMs + Math.ceil(ms), run }
    this.#future.add(turn)
    return turn
  }

  /** A turn that will not be taken. */
  cancel(turn: Turn): void {
    turn.isCancelled = true
  }

  /** Waits for {@link releaseParked}, for some days. */
  park(actor: string, label: string, run: () => void): void {
    this.#parked.push({ turn: { actor, label, dueMs: 0, run }, sinceMs: this.#nowMs })
  }

  /** How many turns go on. */
  releaseParked(): number {
    const oldestMs = this.#nowMs - MOST_PARKED_MS
    const released = this.#parked.filter(({ sinceMs }) => sinceMs > oldestMs)
    this.#parked = []
    for (const { turn } of released) this.#future.add({ ...turn, dueMs: this.#nowMs })
    return released.length
  }

  sleep(ms: number, actor: string, label: string): Promise<void> {
    return new Promise((resolve) => {
      this.after(ms, actor, label, resolve)
    })
  }

  /** Starts a task that ends by itself; what it throws ends the run. */
  spawn(task: () => Promise<void>): void {
    task().catch((error: unknown) => this.fail(error))
  }

  /** Ends the run with this error; the first one counts. */
  fail(error: unknown): void {
    this.#failure ??= { error }
  }

  /** Runs until nothing is left to happen by itself. Throws what any turn or task has failed with. */
  async run(): Promise<void> {
    for (;;) {
      await settled()
      if (this.#failure) throw this.#failure.error
      const turn = this.#next()
      if (turn === undefined) return
      if (++this.#turns > MOST_TURNS) throw new Error('the cell does not come to rest')
      this.#onTurn?.(turn, this.#nowMs)
      turn.run()
    }
  }

  #next(): Turn | undefined {
    const due = this.#due
    let first = this.#future.first()
    while (first?.isCancelled) {
      this.#future.take()
      first = this.#future.first()
    }
    if (due.length === 0) {
      if (first === undefined) return undefined
      this.#nowMs = Math.max(this.#nowMs, first.dueMs)
    }
    while (first !== undefined && first.dueMs <= this.#nowMs) {
      due.push(this.#future.take()!)
      first = this.#future.first()
    }
    const at = this.#choose === undefined || due.length === 1 ? 0 : this.#choose(due)
    const [turn] = due.splice(at, 1)
    return turn!.isCancelled ? this.#next() : turn
  }
}

/**
 * Until every promise that can settle by itself has. A tick that a microtask asks for comes after all microtasks;
 * nothing in a cell waits for anything but promises.
 */
function settled(): Promise<void> {
  return new Promise((resolve) => queueMicrotask(() => process.nextTick(resolve)))
}

/** Turns by time; those of one time in the order they came. */
class TurnHeap {
  readonly #items: { readonly turn: Turn; readonly order: number }[] = []
  #order = 0

  first(): Turn | undefined {
    return this.#items[0]?.turn
  }

  add(turn: Turn): void {
    const items = this.#items
    items.push({ turn, order: this.#order++ })
    let at = items.length - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!this.#isBefore(at, parent)) break
      this.#swap(at, parent)
      at = parent
    }
  }

  take(): Turn | undefined {
    const items = this.#items
    const first = items[0]
    const last = items.pop()
    if (first === undefined || items.length === 0) return first?.turn
    items[0] = last!
    for (let at = 0; ; ) {
      const [left, right] = [2 * at + 1, 2 * at + 2]
      let least = at
      if (left < items.length && this.#isBefore(left, least)) least = left
      if (right < items.length && this.#isBefore(right, least)) least = right
      if (least === at) return first.turn
      this.#swap(at, least)
      at = least
    }
  }

  #isBefore(a: number, b: number): boolean {
    const [x, y] = [this.#items[a]!, this.#items[b]!]
    return x.turn.dueMs < y.turn.dueMs || (x.turn.dueMs === y.turn.dueMs && x.order < y.order)
  }

  #swap(a: number, b: number): void {
    const item = this.#items[a]!
    this.#items[a] = this.#items[b]!
    this.#items[b] = item
  }
}
