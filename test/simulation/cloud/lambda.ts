import { between, type Choices, oneOf } from '../kernel/choices.ts'
import type { Scheduler } from '../kernel/scheduler.ts'
import { Process, type ZombieCourse } from './process.ts'

/** How an invocation ended, as Lambda's own pollers see it. */
export type Invocation<Result> =
  | { readonly status: 'succeeded'; readonly result: Result }
  | { readonly status: 'failed'; readonly error: unknown }
  | { readonly status: 'timed out' }
  | { readonly status: 'crashed' }

export type Handler<Event, Result> = (event: Event) => Promise<Result>

interface Instance<Event, Result> {
  readonly process: Process
  readonly handler: Handler<Event, Result>
  /** Which deployment it is of. */
  readonly generation: number
}

export interface FunctionSettings {
  readonly name: string
  readonly timeoutMs: number
}

/** Of a function's invocations: how likely what is. */
export interface InvocationRisks {
  readonly timeout: number
  readonly coldStart: number
  readonly clockSkew: number
  /** How much longer each call of an invocation that was given up may take. */
  readonly zombieSlowerMs: number
}

/** Something that happens in the middle of an invocation. */
export interface Interruption {
  /** Before which of its calls, counted from 1. */
  readonly atCall: number
  readonly happens: () => void
  /** Whether the invocation is given up at that moment. */
  readonly isGivenUp: boolean
}

/**
 * A Lambda function: an invocation takes an idle instance, with whatever that remembers, or a new one. One that runs
 * into its time-out is given up; its code runs on as a zombie. A failed one stays in use.
 */
export class FunctionModel<Event, Result> {
  readonly settings: FunctionSettings
  readonly #scheduler: Scheduler
  readonly #choices: Choices
  readonly #risks: InvocationRisks
  readonly #create: (process: Process) => Handler<Event, Result>
  readonly #onError: (process: Process, error: unknown) => void
  #idle: Instance<Event, Result>[] = []
  #running = 0
  #interruption: Interruption | undefined
  #generation = 0

  constructor(options: {
    readonly settings: FunctionSettings
    readonly scheduler: Scheduler
    readonly choices: Choices
    readonly risks: InvocationRisks
    /** A cold start. */
    readonly create: (process: Process) => Handler<Event, Result>
    /** Called with each error that a handler throws. */
    readonly onError: (process: Process, error: unknown) => void
  }) {
    this.settings = options.settings
    this.#scheduler = options.scheduler
    this.#choices = options.choices
    this.#risks = options.risks
    this.#create = options.create
    this.#onError = options.onError
  }

  /** Invocations that somebody waits for. */
  get running(): number {
    return this.#running
  }

  /** `of` is the invocation's own name, whatever happened before. */
  async invoke(event: Event, of: string): Promise<Invocation<Result>> {
    const name = `${this.settings.name}@${of}`
    const instance = this.#take(name)
    const { process } = instance
    process.hasMetFault = false
    process.invokedMs = this.#scheduler.nowMs
    this.#running++
    const invocation = await this.#ended(instance, event, name)
    this.#running--
    const isOfUse = process.isAlive && process.zombie === undefined
    if (isOfUse && instance.generation === this.#generation) this.#idle.push(instance)
    return invocation
  }

  /** From now on each invocation goes to an instance of the new code; those under way go on with theirs. */
  deploy(): void {
    this.#generation++
    this.#idle = []
  }

  /** Lets something happen in the middle of the next invocation that gets so far. */
  interrupt(interruption: Interruption): void {
    this.#interruption = interruption
  }

  #take(name: string): Instance<Event, Result> {
    const isCold = this.#choices.deviate(
      `cold ${name}`,
      (random) => (random() < this.#risks.coldStart ? true : undefined),
      [true],
    )
    if (!isCold && this.#idle.length > 0) {
      const other = this.#choices.deviate(`instance ${name}`, (random) =>
        this.#idle.length > 1 && random() < 0.3 ? oneOf(random, this.#idle) : undefined,
      )
      const taken = other ?? this.#idle.at(-1)!
      this.#idle = this.#idle.filter((one) => one !== taken)
      return taken
    }
    const process = new Process(name)
    process.clockSkewMs =
      this.#choices.deviate(`clock ${process.name}`, (random) =>
        random() < this.#risks.clockSkew ? between(random, -3_600_000, 3_600_000) : undefined,
      ) ?? 0
    return { process, handler: this.#create(process), generation: this.#generation }
  }

  #ended(
    { process, handler }: Instance<Event, Result>,
    event: Event,
    name: string,
  ): Promise<Invocation<Result>> {
    return new Promise((resolve) => {
      let isOver = false
      const end = (invocation: Invocation<Result>) => {
        if (isOver) return
        isOver = true
        forget()
        this.#scheduler.cancel(limit)
        process.onCall = undefined
        resolve(invocation)
      }
      const timeOut = () => {
        if (isOver) return
        process.zombie = this.#zombieCourse(process, name)
        end({ status: 'timed out' })
      }
      const forget = process.onDeath(() => end({ status: 'crashed' }))
      const { timeoutMs } = this.settings
      const limit = this.#scheduler.after(timeoutMs, process.name, 'time-out', timeOut)
      const early = this.#choices.deviate(`timeout ${name}`, (random) =>
        random() < this.#risks.timeout ? between(random, 1, 16) : undefined,
      )
      const before = process.calls
      process.onCall = () => {
        const call = process.calls - before
        const isGivenUp = this.#isInterrupted(call)
        if (isGivenUp || call === early) timeOut()
      }
      handler(event).then(
        (result) => end({ status: 'succeeded', result }),
        (error: unknown) => {
          this.#onError(process, error)
          end({ status: 'failed', error })
        },
      )
    })
  }

  /** Whether the invocation that makes its so-manieth call is given up by what happens in the middle of it. */
  #isInterrupted(call: number): boolean {
    const interruption = this.#interruption
    if (interruption?.atCall !== call) return false
    this.#interruption = undefined
    interruption.happens()
    return interruption.isGivenUp
  }

  #zombieCourse(process: Process, name: string): ZombieCourse {
    const random = this.#choices.random(`zombie ${name}`)
    return {
      parksAfterCall: random() < 0.5 ? process.calls + between(random, 0, 8) : Number.MAX_VALUE,
      slowerMs: random() < 0.5 ? 0 : Math.ceil(random() ** 3 * this.#risks.zombieSlowerMs),
    }
  }
}
