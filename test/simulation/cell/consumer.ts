import type { Random } from '#lib/domain/ops/seeded-random.ts'
import type { FunctionModel } from '../cloud/lambda.ts'
import { type Choices, oneOf } from '../kernel/choices.ts'
import type { Scheduler } from '../kernel/scheduler.ts'

export interface BellRisks {
  readonly lost: number
  readonly doubled: number
  /** How long after the first the second one comes: one of these. */
  readonly againMs: readonly number[]
  readonly late: number
  /** Of what only the sweep rings: that it does so just when something changes, */
  readonly stray: number
  /** or up to so much later. */
  readonly strayMs: number
}

type BellFate = 'lost' | 'doubled' | 'late'

const MOST_AT_ONCE = 4

/** Wakes one consumer of the journal: bells, which may be lost, doubled or late, and the minute's sweep. */
export class Consumer {
  readonly #function: FunctionModel<unknown, unknown>
  readonly #scheduler: Scheduler
  readonly #choices: Choices
  readonly #risks: BellRisks
  readonly #gatherMs: number | undefined
  /** Until when it does nothing: its function is throttled, or broken. */
  awayUntilMs = 0
  #isGathering = false
  #invocations = 0

  constructor(options: {
    readonly function: FunctionModel<unknown, unknown>
    readonly scheduler: Scheduler
    readonly choices: Choices
    readonly risks: BellRisks
    /** How long bells gather into one; undefined if the journal does not ring it. */
    readonly gatherMs: number | undefined
  }) {
    this.#function = options.function
    this.#scheduler = options.scheduler
    this.#choices = options.choices
    this.#risks = options.risks
    this.#gatherMs = options.gatherMs
  }

  /** The journal has something new; `name` says what. */
  bell(name: string): void {
    const { name: consumer } = this.#function.settings
    if (this.#gatherMs === undefined) {
      this.#strays(`stray ${consumer} ${name}`)
      return
    }
    const fate = this.#choices.deviate(
      `bell ${consumer} ${name}`,
      (random) => this.#drawFate(random),
      ['lost', 'doubled', 'late'],
    )
    if (fate === 'lost') return
    const random = this.#choices.random(`bell ${consumer} ${name} when`)
    this.#ringAfter(fate === 'late' ? oneOf(random, [5_000, 60_000, 900_000]) : 0)
    if (fate === 'doubled') this.#ringAgain(oneOf(random, this.#risks.againMs))
  }

  /** The minute's sweep. */
  sweep(): void {
    this.#ring({ bell: 'sweep' })
  }

  /** Invokes it now, unless enough of it runs already. */
  #ring(event: object): void {
    if (this.#scheduler.nowMs < this.awayUntilMs) return
    if (this.#function.running >= MOST_AT_ONCE) return
    const name = String(++this.#invocations)
    this.#scheduler.spawn(async () => {
      await this.#function.invoke(event, name)
    })
  }

  /** Sweeps come when they come: now and then just while everybody is at work. */
  #strays(name: string): void {
    const { stray, strayMs } = this.#risks
    const afterMs = this.#choices.deviate(
      name,
      (random) => (random() < stray ? Math.floor(random() * strayMs) : undefined),
      [0],
    )
    if (afterMs === undefined) return
    this.#scheduler.after(afterMs, this.#function.settings.name, 'the sweep rings', () =>
      this.sweep(),
    )
  }

  #drawFate(random: Random): BellFate | undefined {
    const { lost, doubled, late } = this.#risks
    const chance = random()
    if (chance < lost) return 'lost'
    if (chance < lost + doubled) return 'doubled'
    return chance < lost + doubled + late ? 'late' : undefined
  }

  /** Not gathered with the first. */
  #ringAgain(ms: number): void {
    const { name } = this.#function.settings
    const afterMs = ms + this.#gatherMs!
    this.#scheduler.after(afterMs, name, 'a bell rings again', () => this.#ring({ Records: [] }))
  }

  #ringAfter(ms: number): void {
    if (ms === 0) {
      if (this.#isGathering) return
      this.#isGathering = true
    }
    const { name } = this.#function.settings
    this.#scheduler.after(ms + this.#gatherMs!, name, 'a bell rings', () => {
      if (ms === 0) this.#isGathering = false
      this.#ring({ Records: [] })
    })
  }
}
