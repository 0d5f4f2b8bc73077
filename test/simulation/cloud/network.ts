import type { Random } from '#lib/domain/ops/seeded-random.ts'
import { between, type Choices, oneOf } from '../kernel/choices.ts'
import type { Scheduler } from '../kernel/scheduler.ts'
import type { Process } from './process.ts'
import {
  isAnswer,
  isInjected,
  noAnswer,
  type Service,
  throttled,
  unavailable,
} from './service-errors.ts'

/** One call of one client to one service. */
export interface Call<Answer> {
  readonly service: Service
  readonly operation: string
  /** What it is about: a key, an item, a table. */
  readonly target: string
  readonly isWrite: boolean
  /** The effect, at one point of time: gives the answer or throws the service's own refusal. */
  apply(): Answer
}

/** What may become of a call besides going well. */
export const CALL_FAULTS = [
  /** Refused before any effect. */
  'refused',
  /** Applied, and the answer is lost. */
  'lost',
  /** No answer, and applied only later, perhaps much later. */
  'late',
  /** Applied, the answer is lost, the client itself repeats it and gets the answer of the second time. */
  'repeated',
  /** The process dies before the effect, or after it without learning of it. */
  'dies before',
  'dies after',
] as const
export type CallFault = (typeof CALL_FAULTS)[number]
const READ_FAULTS: readonly CallFault[] = ['refused', 'dies before', 'dies after']

/** How likely what is, per call. */
export interface CallRisks {
  readonly fault: number
  /** Much longer on the way than others: up to `slowMs`. */
  readonly slow: number
  readonly slowMs: number
  /** Calls take from 1 ms to this on each way. */
  readonly latencyMs: number
}

export interface Outage {
  readonly service: Service
  readonly fromMs: number
  readonly toMs: number
}

const MOST_LATE_MS = 600_000
const HOUR_MS = 3_600_000
/** Calls of a process that may freeze before which it does, and for how long at most. */
const FREEZES = 0.04
const MOST_FROZEN_HOURS = 40
/** Stands still until everything else has come to rest. */
const HELD = Number.POSITIVE_INFINITY
const SLOW_ALTERNATIVES_MS = [25, HELD]

type Outcome<Answer> = { readonly answer: Answer } | { readonly error: unknown }

/**
 * Between the processes of a cell and the services. Each call is two turns, its effect and its answer; between them,
 * before and after them anything else may happen. What goes wrong is decided here.
 */
export class Network {
  readonly outages: Outage[] = []
  /** Whether what is on its way for long waits until everything else has come to rest. */
  isParking = true
  readonly #scheduler: Scheduler
  readonly #choices: Choices
  readonly #risks: CallRisks
  readonly #log: (actor: string, what: string) => void

  constructor(options: {
    readonly scheduler: Scheduler
    readonly choices: Choices
    readonly risks: CallRisks
    readonly log: (actor: string, what: string) => void
  }) {
    this.#scheduler = options.scheduler
    this.#choices = options.choices
    this.#risks = options.risks
    this.#log = options.log
  }

  send<Answer>(process: Process, call: Call<Answer>): Promise<Answer> {
    if (!process.isAlive) return new Promise(() => {})
    const name = `${process.name}#${++process.calls}`
    process.onCall?.()
    const random = this.#choices.random(name)
    const faults = faultsOf(process, call)
    const fault = this.#choices.deviate(
      `fault ${name}`,
      (chance) => (chance() < this.#risks.fault ? oneOf(chance, faults) : undefined),
      // A call that only reads is as good as refused when its process dies of it.
      call.isWrite ? faults : faults.filter((one) => one === 'dies before'),
    )
    const slowMs = this.#choices.deviate(
      `slow ${name}`,
      (chance) =>
        chance() < this.#risks.slow ? Math.ceil(chance() ** 3 * this.#risks.slowMs) : undefined,
      SLOW_ALTERNATIVES_MS,
    )
    const frozenMs = process.mayFreeze
      ? this.#choices.deviate(`freeze ${name}`, (chance) =>
          chance() < FREEZES ? between(chance, 1, MOST_FROZEN_HOURS) * HOUR_MS : undefined,
        )
      : process.freezes?.atCall === process.calls
        ? process.freezes.ms
        : undefined
    const label = `${call.operation} ${call.target}${fault === undefined ? '' : ` [${fault}]`}`
    const thereMs =
      this.#latency(random) + (slowMs ?? 0) + (frozenMs ?? 0) + (process.zombie?.slowerMs ?? 0)
    const backMs = this.#latency(random)
    return new Promise<Answer>((resolve, reject) => {
      const settle = (outcome: Outcome<Answer>) => {
        this.#scheduler.after(backMs, process.name, `answer of ${label}`, () => {
          if (!process.isAlive) return
          if (!('error' in outcome)) return resolve(outcome.answer)
          process.hasMetFault ||= isInjected(outcome.error)
          reject(outcome.error)
        })
      }
      const effect = () => {
        // What a process had sent before it died arrives all the same, or does not.
        if (!process.isAlive && (fault === 'dies before' || random() < 0.5)) return
        const outcome = this.#meet(process, call, label, fault, random, settle)
        if (outcome !== undefined) settle(outcome)
      }
      const { zombie } = process
      const isHeld =
        slowMs === HELD || (zombie !== undefined && process.calls > zombie.parksAfterCall)
      if (this.isParking && isHeld) {
        this.#scheduler.park(process.name, label, effect)
      } else {
        this.#scheduler.after(thereMs, process.name, label, effect)
      }
    })
  }

  /** What becomes of a call that has arrived; undefined if its sender is not told now. */
  #meet<Answer>(
    process: Process,
    call: Call<Answer>,
    label: string,
    fault: CallFault | undefined,
    random: Random,
    settle: (outcome: Outcome<Answer>) => void,
  ): Outcome<Answer> | undefined {
    if (this.#isDown(call.service)) {
      this.#log(process.name, `${label}: ${call.service} is down`)
      return { error: unavailable() }
    }
    switch (fault) {
      case undefined:
        return this.#apply(process, call, label)
      case 'refused':
        this.#log(process.name, label)
        return { error: throttled(call.service) }
      case 'lost':
        this.#apply(process, call, label)
        return { error: noAnswer() }
      case 'late': {
        this.#log(process.name, `${label}: on its way`)
        const land = () => this.#apply(process, call, `${label} lands`)
        if (this.isParking && random() < 0.3) this.#scheduler.park(process.name, label, land)
        else
          this.#scheduler.after(Math.ceil(random() ** 3 * MOST_LATE_MS), process.name, label, land)
        return { error: noAnswer() }
      }
      case 'repeated': {
        this.#apply(process, call, label)
        const again = `${label} again`
        this.#scheduler.after(between(random, 20, 2000), process.name, again, () =>
          settle(this.#apply(process, call, again)),
        )
        return undefined
      }
      case 'dies before':
        this.#log(process.name, label)
        process.die()
        return undefined
      case 'dies after':
        this.#apply(process, call, label)
        process.die()
        return undefined
    }
  }

  #apply<Answer>(process: Process, call: Call<Answer>, label: string): Outcome<Answer> {
    try {
      const answer = call.apply()
      this.#log(process.name, label)
      return { answer }
    } catch (error) {
      // What no service would answer is a fault of the models or of a check, not of the code.
      if (!isAnswer(error)) this.#scheduler.fail(error)
      this.#log(process.name, `${label}: ${error instanceof Error ? error.name : String(error)}`)
      return { error }
    }
  }

  #isDown(service: Service): boolean {
    const { nowMs } = this.#scheduler
    return this.outages.some(
      (one) => one.service === service && one.fromMs <= nowMs && nowMs < one.toMs,
    )
  }

  #latency(random: Random): number {
    return this.#risks.latencyMs === 0 ? 0 : between(random, 1, this.#risks.latencyMs)
  }
}

function faultsOf({ isMortal }: Process, { isWrite }: { isWrite: boolean }): readonly CallFault[] {
  if (isWrite) return isMortal ? CALL_FAULTS : CALL_FAULTS.filter((one) => !one.startsWith('dies'))
  return isMortal ? READ_FAULTS : ['refused']
}
