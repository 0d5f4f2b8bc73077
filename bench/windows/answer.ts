import type { Decimal } from '#lib/domain/kernel/decimal.ts'
import { MICROS_PER_SECOND, type Micros } from '#lib/domain/kernel/time.ts'
import type { Slot } from '#lib/domain/process/slot-store.ts'
import type { NamedAggregates } from '#lib/domain/process/touched-slots.ts'
import { type WindowDefinition, windowsOfPane } from '#lib/domain/process/window.ts'

const USER_WEIGHT = 31
const WINDOW_MODULUS = 100_003

/**
 * The answer of an engine as four sums over its windows: how many there are, their bids, their cents, and cents times a
 * weight by user and window, so that no two windows can stand for each other.
 */
export class WindowSums {
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

/** Finishes a window of one slot as finalize-windows does. */
export function finished(
  slot: Slot,
  algebras: NamedAggregates,
): { readonly bids: number; readonly cents: number } {
  const [bids, total] = algebras.map(([name, algebra]) =>
    algebra.finish(algebra.fromStored(slot.states[name])),
  )
  return { bids: bids as number, cents: Number((total as Decimal).unscaled) }
}

/** Windows put together from their panes, the long way. */
export function slidingSums(
  definition: Extract<WindowDefinition, { kind: 'sliding' }>,
  panes: ReadonlyMap<Micros, ReadonlyMap<string, Slot>>,
  algebras: NamedAggregates,
): readonly string[] {
  const windows = new Map<Micros, Map<string, { bids: number; cents: number }>>()
  for (const [start, slots] of panes) {
    for (const window of windowsOfPane(definition, start)) {
      const sums = windows.get(window.start) ?? new Map<string, { bids: number; cents: number }>()
      windows.set(window.start, sums)
      for (const [key, slot] of slots) {
        const { bids, cents } = finished(slot, algebras)
        const sum = sums.get(key)
        if (sum === undefined) sums.set(key, { bids, cents })
        else {
          sum.bids += bids
          sum.cents += cents
        }
      }
    }
  }
  const answer = new WindowSums()
  for (const [start, sums] of windows) {
    const number = start / MICROS_PER_SECOND / definition.slideSeconds
    for (const [key, { bids, cents }] of sums) answer.add(key, number, bids, cents)
  }
  return answer.finish()
}
