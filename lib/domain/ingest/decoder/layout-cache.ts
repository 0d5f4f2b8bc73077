import type { Engine, ReadEvent } from './engine.ts'
import type { FieldPlan } from './field-plan.ts'
import { type Layout, usualLayout } from './layout.ts'
import { learnLayout } from './learn-layout.ts'
import type { Verdicts } from './verdicts.ts'

/** Compiled layouts at one time. An event that fits none has been tried against this many. */
const MAX_LAYOUTS = 6
/** Events of one layout before it is compiled. */
const LEARN_AFTER = 32
/** Compiling costs about as much as a thousand events: past the first few it waits for this many unusual ones. */
const FREE_LESSONS = 6
const EVENTS_PER_LESSON = 4_096
const SLOTS = 64

/** A layout that is compiled, with what an event that fits it is known to have. */
export interface CompiledLayout {
  readonly layout: Layout
  read: ReadEvent
  hits: number
}

/**
 * The layouts that producers were seen to use. Producers are few and each writes one way: after some events of a
 * layout it is compiled too. Bounded in number and in how often, so that events in ever new layouts cost no more
 * than reading them in any order.
 */
export class LayoutCache {
  readonly compiled: CompiledLayout[] = []
  readonly #plans: readonly FieldPlan[]
  readonly #verdicts: Verdicts
  #engine: Engine
  readonly #signatures = new Int32Array(SLOTS)
  readonly #counts = new Int32Array(SLOTS)
  #unusual = 0
  #lessons = 0
  #nextLesson = 0

  constructor(eventType: string, plans: readonly FieldPlan[], verdicts: Verdicts, engine: Engine) {
    this.#plans = plans
    this.#verdicts = verdicts
    this.#engine = engine
    const layout = usualLayout(eventType, plans)
    this.compiled.push({ layout, read: engine.compile(layout), hits: 0 })
  }

  /** Compiles every layout anew, for an engine with more memory. */
  moveTo(engine: Engine): void {
    const reads = this.compiled.map(({ layout }) => engine.compile(layout))
    this.#engine = engine
    for (const [i, one] of this.compiled.entries()) one.read = reads[i]!
  }

  /** Takes note of an accepted event that fitted no layout. The spare row may be written over. */
  observe(signature: number, start: number, end: number, spareRow: number): void {
    this.#unusual++
    // As in a majority vote: what is frequent in its slot stays, whatever else comes by.
    const slot = signature & (SLOTS - 1)
    if (this.#signatures[slot] !== signature) {
      if (this.#counts[slot]! > 0) this.#counts[slot]!--
      else this.#signatures[slot] = signature
      return
    }
    if (++this.#counts[slot]! < LEARN_AFTER || this.#unusual < this.#nextLesson) return
    this.#counts[slot] = 0
    this.#lessons++
    if (this.#lessons >= FREE_LESSONS) this.#nextLesson = this.#unusual + EVENTS_PER_LESSON
    const layout = learnLayout(this.#engine, this.#plans, this.#verdicts, start, end)
    if (layout === undefined) return
    const read = this.#engine.compile(layout)
    // What cannot read its own event (for an unusual number in it) would be of no use.
    if (read(start, spareRow) !== end) return
    if (this.compiled.length === MAX_LAYOUTS) this.#forgetOne()
    this.compiled.push({ layout, read, hits: 0 })
  }

  #forgetOne(): void {
    let least = 0
    this.compiled.forEach(({ hits }, i) => {
      if (hits < this.compiled[least]!.hits) least = i
    })
    this.compiled.splice(least, 1)
    for (const layout of this.compiled) layout.hits = 0
  }
}
