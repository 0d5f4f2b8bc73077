import type { Contract } from '#lib/domain/contract/contract.ts'
import type { Scalar } from '#lib/domain/contract/scalar.ts'
import { MAX_EVENT_BYTES } from '../envelope.ts'
import { type AnyOrder, anyOrder } from './any-order.ts'
import { type Engine, makeEngine } from './engine.ts'
import type { FieldPlan } from './field-plan.ts'
import { type CompiledLayout, LayoutCache } from './layout-cache.ts'
import { type Judges, type Refusal, Verdicts } from './verdicts.ts'

/** What became of the event that was read last. */
export interface EventOutcome {
  isAccepted: boolean
  /** Another contract judges it: it is neither accepted nor refused here. */
  isElsewhere: boolean
  /** What such an event declares. */
  declared: string | undefined
  refusal: Refusal | undefined
  id: string | undefined
  source: string | undefined
  /** Members of `data` that the contract does not know; none if the envelope was refused. */
  unknownNames: readonly string[]
}

const NO_NAMES: readonly string[] = []

/**
 * Judges one event after another: by a known layout if one fits, in any order if not, by the slow decoder if even
 * that is in doubt. Each starts the event over, so that none has to undo what another did.
 */
export class EventReader {
  readonly outcome: EventOutcome = {
    isAccepted: false,
    isElsewhere: false,
    declared: undefined,
    refusal: undefined,
    id: undefined,
    source: undefined,
    unknownNames: NO_NAMES,
  }
  readonly #contract: Contract
  readonly #plans: readonly FieldPlan[]
  readonly #verdicts: Verdicts
  readonly #layouts: LayoutCache
  #engine: Engine
  #anyOrder: AnyOrder
  /** The layout that fitted last is the first to be tried. */
  #current = 0
  #layout: CompiledLayout

  constructor(
    contract: Contract,
    plans: readonly FieldPlan[],
    capacity: number,
    judges: Judges | undefined,
  ) {
    this.#contract = contract
    this.#plans = plans
    this.#verdicts = new Verdicts(contract, judges)
    this.#engine = makeEngine(contract, plans, this.#verdicts, capacity)
    this.#layouts = new LayoutCache(contract.eventType, plans, this.#verdicts, this.#engine)
    this.#layout = this.#layouts.compiled[0]!
    this.#anyOrder = anyOrder(contract, plans, this.#engine, this.#verdicts)
  }

  get engine(): Engine {
    return this.#engine
  }

  /** Goes on with more memory: the first rows and the first bytes are kept. All of it, or nothing if it throws. */
  grow(capacity: number, bytes: number, rows: number): void {
    const before = this.#engine
    const plans = this.#plans
    const verdicts = this.#verdicts
    const engine = makeEngine(this.#contract, plans, verdicts, capacity, { engine: before, rows })
    engine.memory.bytes.set(before.memory.bytes.subarray(0, bytes))
    const order = anyOrder(this.#contract, plans, engine, verdicts)
    this.#layouts.moveTo(engine)
    this.#anyOrder = order
    this.#engine = engine
  }

  /**
   * Reads the event at a place into a row, if it is as the last one was: then it is accepted, with the same
   * {@link unknownNames}. Returns the place behind it, or a negative number: then it is read in another way.
   */
  readLikeLast(at: number, row: number): number {
    const layout = this.#layout
    const end = layout.read(at, row)
    if (end < 0 || end - at > MAX_EVENT_BYTES) return -1
    layout.hits++
    return end
  }

  /** Of every event that is as the last one was. */
  get unknownNames(): readonly string[] {
    return this.#layout.layout.unknownNames
  }

  /**
   * Reads the event at a place into a row and says in `outcome` what became of it. Returns the place behind it,
   * or a negative number if it is no JSON, or nests too deep to tell: then nothing is said.
   */
  read(at: number, row: number): number {
    const { compiled } = this.#layouts
    for (let i = 0, k = this.#current; i < compiled.length; i++) {
      const layout = compiled[k]!
      const end = layout.read(at, row)
      if (end >= 0 && end - at <= MAX_EVENT_BYTES) {
        layout.hits++
        this.#current = k
        this.#layout = layout
        this.outcome.isAccepted = true
        this.outcome.unknownNames = layout.layout.unknownNames
        return end
      }
      k = k + 1 === compiled.length ? 0 : k + 1
    }
    return this.#readAnyOrder(at, row)
  }

  /** Judges an event by the slow decoder alone. */
  judge(text: string, row: number): void {
    const { outcome } = this
    outcome.declared = this.#verdicts.judgedElsewhere(text)
    outcome.isElsewhere = outcome.declared !== undefined
    if (outcome.isElsewhere) {
      outcome.isAccepted = false
      outcome.unknownNames = NO_NAMES
      return
    }
    const { columns, id, source } = this.#engine
    const verdict = this.#verdicts.ofEvent(text)
    outcome.unknownNames = verdict.unknownNames
    outcome.isAccepted = verdict.row.ok
    if (verdict.row.ok) {
      id.store(row, verdict.id!)
      source.store(row, verdict.source!)
      verdict.row.values.forEach((value, i) => {
        columns[i]!.store(row, value as Scalar | null)
      })
    } else {
      outcome.refusal = verdict.row
      outcome.id = verdict.id
      outcome.source = verdict.source
    }
  }

  #readAnyOrder(at: number, row: number): number {
    const { id, source, memory } = this.#engine
    const end = this.#anyOrder.read(at, row)
    if (end < 0) return end
    const { outcome } = this
    const found = this.#anyOrder.outcome
    if (found.verdict === 'ask') {
      this.judge(memory.text(at, end), row)
      return end
    }
    outcome.unknownNames = found.unknownNames
    outcome.isAccepted = found.verdict === 'accepted'
    outcome.isElsewhere = found.verdict === 'elsewhere'
    outcome.declared = found.declared
    if (outcome.isAccepted) {
      this.#layouts.observe(found.signature, at, end, row + 1)
    } else {
      outcome.refusal = found.refusal
      outcome.id = found.hasId ? (id.valueAt(row) as string) : undefined
      outcome.source = found.hasSource ? (source.valueAt(row) as string) : undefined
    }
    return end
  }
}
