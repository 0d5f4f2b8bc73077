import { PlatformError } from '#lib/domain/kernel/errors.ts'
import { OpenBatch } from './producer-batch.ts'
import { eventBytes, type ProducerEvent } from './producer-event.ts'
import { Losses, MAX_NAMED } from './producer-losses.ts'
import { allOptions, type ProducerCounts, type ProducerOptions } from './producer-options.ts'
import { type Departure, DepartureQueue } from './producer-queue.ts'
import type { RecordOutcome } from './producer-sink.ts'
import { eventSlot, slotHashKey, slotName } from './producer-slot.ts'

export type { EventName, ProducerEvent } from './producer-event.ts'
export type { NotAccepted } from './producer-losses.ts'
export type { ProducerCounts, ProducerOptions } from './producer-options.ts'

const BACKOFF_MS = { first: 50, most: 5_000 }

/**
 * Sends events to a stream: packed and compressed, at least once, in order per partition key. A record that the stream
 * refuses is sent again, alone, and holds back only what comes after it in its slot. Memory is bounded: `send` waits
 * while the stream is behind.
 */
export class Producer {
  readonly #options: ReturnType<typeof allOptions>
  readonly #open = new Map<number, { readonly batch: OpenBatch; hasLingered: boolean }>()
  readonly #queue: DepartureQueue
  readonly #losses = new Losses()
  readonly #counts = { sent: 0, accepted: 0, retried: 0, failed: 0 }
  #heldBytes = 0
  #calls = 0
  #isTicking = false
  #isClosed = false
  #fault: unknown
  /** Woken whenever something has left the buffer. */
  #waiting: (() => void)[] = []

  constructor(options: ProducerOptions) {
    this.#options = allOptions(options)
    const { order, signal } = this.#options
    this.#queue = new DepartureQueue({ inOrder: order === 'key' })
    signal?.addEventListener('abort', this.#abort, { once: true })
    if (signal?.aborted) this.#abort()
  }

  get counts(): ProducerCounts {
    return { ...this.#counts }
  }

  /** Bytes that it holds now, roughly. */
  get heldBytes(): number {
    return this.#heldBytes
  }

  /**
   * Takes an event; resolves when there is room for the next. Says nothing about the stream yet: `flush` does. Throws
   * `producer.event` if the event is too large for any archive, and `producer.bufferFull` (retryable) if too many
   * calls of `send` wait already; neither event is taken then.
   */
  async send(event: ProducerEvent): Promise<void> {
    if (this.#isClosed) throw new PlatformError('producer.closed', 'the producer is closed')
    this.#throwFault()
    const bytes = eventBytes(event)
    const { bufferBytes, spread } = this.#options
    if (this.#heldBytes > 2 * bufferBytes) {
      throw new PlatformError(
        'producer.bufferFull',
        'too many events wait: await each call of send before the next',
        { retryable: true },
      )
    }
    this.#add(eventSlot(event, spread), event, bytes)
    while (this.#heldBytes > bufferBytes && this.#fault === undefined) {
      // What still waits for company would never free the room that we wait for.
      if (this.#calls === 0 && this.#open.size > 0) this.#sealAll()
      else await this.#change()
    }
    this.#throwFault()
  }

  /**
   * Resolves when the stream has acknowledged every event sent so far. Throws `producer.notAccepted`, naming the events
   * that it did not take and why; the others are in the stream.
   */
  async flush(): Promise<void> {
    this.#sealAll()
    const mark = this.#queue.mark()
    while (!this.#queue.isSettled(mark) && this.#fault === undefined) await this.#change()
    this.#throwFault()
    const lost = this.#losses.take()
    if (lost !== undefined) throw lost
  }

  /** Flushes, and takes no more events. */
  async close(): Promise<void> {
    this.#isClosed = true
    try {
      await this.flush()
    } finally {
      this.#options.signal?.removeEventListener('abort', this.#abort)
    }
  }

  #add(slot: number, event: ProducerEvent, bytes: number): void {
    const before = this.#open.get(slot)?.batch
    if (before !== undefined && !this.#fits(before, bytes)) this.#sealAndGo(slot)
    const open = this.#open.get(slot) ?? { batch: new OpenBatch(slot), hasLingered: false }
    this.#open.set(slot, open)
    const heldBefore = open.batch.heldBytes
    open.batch.add(event, bytes)
    this.#heldBytes += open.batch.heldBytes - heldBefore
    this.#counts.sent += 1
    if (!this.#fits(open.batch, 0)) this.#sealAndGo(slot)
    if (this.#open.size > 0) this.#tick()
  }

  #fits(batch: OpenBatch, bytes: number): boolean {
    const { batchBytes, batchEvents } = this.#options
    if (batch.events === 0) return true
    return batch.bytes + bytes < batchBytes && batch.events < batchEvents
  }

  /**
   * Seals what has lingered, for all slots together: one call instead of one for each. A batch goes at the second
   * tick that it sees, so after half the time at least and all of it at most.
   */
  #tick(): void {
    if (this.#isTicking) return
    this.#isTicking = true
    this.#options.sleep(Math.ceil(this.#options.lingerMs / 2)).then(
      () => {
        this.#isTicking = false
        for (const [slot, open] of this.#open) {
          if (open.hasLingered) this.#seal(slot)
          else open.hasLingered = true
        }
        this.#pump()
        if (this.#open.size > 0) this.#tick()
      },
      (error: unknown) => this.#fail(error),
    )
  }

  #sealAll(): void {
    for (const slot of this.#open.keys()) this.#seal(slot)
    this.#pump()
  }

  #sealAndGo(slot: number): void {
    this.#seal(slot)
    this.#pump()
  }

  #seal(slot: number): void {
    const { batch } = this.#open.get(slot)!
    this.#open.delete(slot)
    this.#heldBytes -= batch.heldBytes
    const { recordBytes } = this.#options.sink.limits
    const room = recordBytes - slotName(slot).length
    for (const sealed of batch.seal(room)) {
      if (sealed.data.byteLength > room) {
        const size = sealed.data.byteLength
        this.#giveUp(sealed.names, `it needs ${size} bytes compressed, a record has ${recordBytes}`)
        continue
      }
      this.#heldBytes += sealed.heldBytes
      this.#queue.add(sealed)
    }
  }

  /** Starts calls while there is something that may go. */
  #pump(): void {
    while (this.#calls < this.#options.concurrency && this.#fault === undefined) {
      const group = this.#queue.take(this.#options.sink.limits)
      if (group.length === 0) return
      this.#calls += 1
      this.#call(group)
        .catch((error: unknown) => this.#fail(error))
        .finally(() => {
          this.#calls -= 1
          this.#pump()
          this.#wake()
        })
    }
  }

  async #call(group: readonly Departure[]): Promise<void> {
    const records = group.map(({ batch }) => ({
      partitionKey: slotName(batch.slot),
      hashKey: slotHashKey(batch.slot),
      data: batch.data,
    }))
    const outcomes = await this.#options.sink.put(records).catch((error: unknown) => {
      const reason = error instanceof Error ? error.message : String(error)
      return records.map((): RecordOutcome => ({ accepted: false, retryable: true, reason }))
    })
    for (const [i, departure] of group.entries()) this.#settle(departure, outcomes[i]!)
    this.#options.onProgress?.(this.counts)
  }

  #settle(departure: Departure, outcome: RecordOutcome): void {
    const { maxAttempts, random, sleep } = this.#options
    departure.attempts += 1
    if (outcome.accepted) {
      this.#counts.accepted += departure.batch.names.length
      this.#remove(departure)
      return
    }
    if (!outcome.retryable || departure.attempts >= maxAttempts) {
      this.#giveUp(departure.batch.names, outcome.reason)
      this.#remove(departure)
      return
    }
    // It stays busy while it pauses: in order, nothing of its slot overtakes it.
    const ceiling = Math.min(BACKOFF_MS.most, BACKOFF_MS.first * 2 ** departure.attempts)
    sleep(Math.ceil(random() * ceiling)).then(
      () => {
        this.#counts.retried += 1
        departure.busy = false
        this.#pump()
      },
      (error: unknown) => this.#fail(error),
    )
  }

  #giveUp(names: Departure['batch']['names'], reason: string): void {
    this.#losses.add(names, reason)
    this.#counts.failed += names.length
  }

  #remove(departure: Departure): void {
    this.#heldBytes -= departure.batch.heldBytes
    this.#queue.settle(departure)
    this.#wake()
  }

  readonly #abort = (): void => {
    // All in the queue, so that they can be named; nothing of it goes any more once there is a fault.
    for (const slot of this.#open.keys()) this.#seal(slot)
    const { sent, accepted, failed } = this.#counts
    const count = sent - accepted - failed
    this.#fail(
      new PlatformError(
        'producer.aborted',
        `sending was aborted: ${count} events are not acknowledged, some may be in the stream`,
        { context: { count, events: this.#queue.names(MAX_NAMED) } },
      ),
    )
  }

  /** The producer cannot go on: it was told to stop, its clock was, or the sink broke its promise. */
  #fail(error: unknown): void {
    this.#fault ??= error
    this.#wake()
  }

  #throwFault(): void {
    if (this.#fault !== undefined) throw this.#fault
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve()
  }
}
