import { MICROS_PER_SECOND, type Micros } from '#lib/domain/kernel/time.ts'
import {
  type SlidingWindow,
  type TumblingWindow,
  type WindowDefinition,
  windowsOfPane,
} from '#lib/domain/process/window.ts'

const USER_WEIGHT = 31
const WINDOW_MODULUS = 100_003

/**
 * The answer of an engine as four sums over its windows: how many there are, their bids, their cents, and cents times a
 * weight by user and window, so that no two windows can stand for each other.
 */
class WindowSums {
  #windows = 0
  #bids = 0
  #cents = 0n
  #weighted = 0n
  /** Of the windows that are not yet among the exact sums: so few that doubles hold them. */
  #recentCents = 0
  #recentWeighted = 0

  /** `number`: what the window starts at, in units that windows start at. */
  add(user: string, number: number, bids: number, cents: number): void {
    this.#windows++
    this.#bids += bids
    const weight = Number(user.slice(1)) * USER_WEIGHT + (number % WINDOW_MODULUS)
    this.#recentCents += cents
    this.#recentWeighted += weight * cents
    if (this.#recentWeighted > 2 ** 51) this.#settle()
  }

  #settle(): void {
    this.#cents += BigInt(this.#recentCents)
    this.#weighted += BigInt(this.#recentWeighted)
    this.#recentCents = 0
    this.#recentWeighted = 0
  }

  finish(): readonly string[] {
    this.#settle()
    return [this.#windows, this.#bids, this.#cents, this.#weighted].map(String)
  }
}

/** What the panes of a view come to, as they close. */
export interface Closing {
  add(paneStart: Micros, key: string, bids: number, cents: number): void
  finish(): readonly string[]
}

export function closingOf(definition: WindowDefinition): Closing {
  if (definition.kind === 'sliding') return new SlidingWindows(definition)
  if (definition.kind === 'tumbling') return new TumblingWindows(definition)
  throw new Error(`no answer is known for ${definition.kind} windows`)
}

/** A pane is a window. */
class TumblingWindows implements Closing {
  readonly #sums = new WindowSums()
  readonly #width: number

  constructor({ sizeSeconds }: TumblingWindow) {
    this.#width = sizeSeconds * MICROS_PER_SECOND
  }

  add(paneStart: Micros, key: string, bids: number, cents: number): void {
    this.#sums.add(key, paneStart / this.#width, bids, cents)
  }

  finish(): readonly string[] {
    return this.#sums.finish()
  }
}

/** Windows put together from their panes, the long way, when all are known. */
class SlidingWindows implements Closing {
  readonly #definition: SlidingWindow
  readonly #panes: { starts: number[]; keys: string[]; bids: number[]; cents: number[] } = {
    starts: [],
    keys: [],
    bids: [],
    cents: [],
  }

  constructor(definition: SlidingWindow) {
    this.#definition = definition
  }

  add(paneStart: Micros, key: string, bids: number, cents: number): void {
    this.#panes.starts.push(paneStart)
    this.#panes.keys.push(key)
    this.#panes.bids.push(bids)
    this.#panes.cents.push(cents)
  }

  finish(): readonly string[] {
    const windows = new Map<Micros, Map<string, { bids: number; cents: number }>>()
    const { starts, keys, bids, cents } = this.#panes
    for (const [at, paneStart] of starts.entries()) {
      for (const { start } of windowsOfPane(this.#definition, paneStart)) {
        const sums = windows.get(start) ?? new Map<string, { bids: number; cents: number }>()
        windows.set(start, sums)
        const sum = sums.get(keys[at]!) ?? { bids: 0, cents: 0 }
        sums.set(keys[at]!, sum)
        sum.bids += bids[at]!
        sum.cents += cents[at]!
      }
    }
    const slide = this.#definition.slideSeconds * MICROS_PER_SECOND
    const answer = new WindowSums()
    for (const [start, sums] of windows) {
      for (const [key, sum] of sums) answer.add(key, start / slide, sum.bids, sum.cents)
    }
    return answer.finish()
  }
}
