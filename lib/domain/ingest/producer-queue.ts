import type { SealedBatch } from './producer-batch.ts'
import type { EventName } from './producer-event.ts'
import type { RecordSink } from './producer-sink.ts'
import { PARTITION_SLOTS, slotName } from './producer-slot.ts'

/** A record on its way to the stream. */
export interface Departure {
  readonly batch: SealedBatch
  /** Calls it has been part of. */
  attempts: number
  /** In a call, or pausing before the next one. */
  busy: boolean
}

/**
 * Records that wait for the stream, by slot. In order, a slot's oldest record holds back the others until it is
 * settled; without order every record goes as soon as there is room.
 */
export class DepartureQueue {
  readonly #inOrder: boolean
  readonly #slots: Departure[][] = Array.from({ length: PARTITION_SLOTS }, () => [])
  /** Oldest first, by insertion. */
  readonly #unsettled = new Map<Departure, number>()
  #newest = 0
  /** Where the next call starts to look, so that under load no slot is always the last one. */
  #start = 0

  constructor(options: { readonly inOrder: boolean }) {
    this.#inOrder = options.inOrder
  }

  get isEmpty(): boolean {
    return this.#unsettled.size === 0
  }

  add(batch: SealedBatch): void {
    const departure = { batch, attempts: 0, busy: false }
    this.#slots[batch.slot]!.push(departure)
    this.#unsettled.set(departure, ++this.#newest)
  }

  settle(departure: Departure): void {
    const queue = this.#slots[departure.batch.slot]!
    queue.splice(queue.indexOf(departure), 1)
    this.#unsettled.delete(departure)
  }

  /** Everything added so far, to ask later whether it is settled. */
  mark(): number {
    return this.#newest
  }

  isSettled(mark: number): boolean {
    const oldest = this.#unsettled.values().next()
    return oldest.done === true || oldest.value > mark
  }

  /** As much as one call takes, made busy; empty if nothing may go now. */
  take(limits: RecordSink['limits']): readonly Departure[] {
    const group: Departure[] = []
    let bytes = 0
    for (let i = 0; i < PARTITION_SLOTS; i++) {
      const queue = this.#slots[(this.#start + i) % PARTITION_SLOTS]!
      for (const departure of this.#inOrder ? queue.slice(0, 1) : queue) {
        if (departure.busy) continue
        const size = departure.batch.data.byteLength + slotName(departure.batch.slot).length
        if (group.length >= limits.records || bytes + size > limits.bytes) {
          this.#start = (this.#start + i) % PARTITION_SLOTS
          return occupied(group)
        }
        group.push(departure)
        bytes += size
      }
    }
    return occupied(group)
  }

  /** The first `most` events that wait. */
  names(most: number): readonly EventName[] {
    const found: EventName[] = []
    for (const { batch } of this.#unsettled.keys()) {
      found.push(...batch.names.slice(0, most - found.length))
      if (found.length >= most) break
    }
    return found
  }
}

function occupied(group: readonly Departure[]): readonly Departure[] {
  for (const departure of group) departure.busy = true
  return group
}
