import { PlatformError } from '#lib/domain/kernel/errors.ts'
import { ProducerBatch, type ProducerEvent } from './producer-batch.ts'
import type { RecordOutcome, RecordSink } from './producer-sink.ts'
import { PARTITION_SLOTS, partitionSlot, slotName } from './producer-slot.ts'

export type { ProducerEvent } from './producer-batch.ts'

export interface ProducerOptions {
  readonly sink: RecordSink
  readonly sleep: (ms: number) => Promise<void>
  /** Uniform in [0, 1). */
  readonly random: () => number
  /** Bytes of events that share a record. @default 256 KiB */
  readonly batchBytes?: number
  /** Events that share a record; a consumer refuses records of more than 10,000. @default 5,000 */
  readonly batchEvents?: number
  /** How long an event waits for company. @default 200 */
  readonly lingerMs?: number
  /** Bytes of events that are held at most: beyond it `send` waits. @default 32 MiB */
  readonly bufferBytes?: number
  /** Calls to the stream at the same time. @default 4 */
  readonly concurrency?: number
  /** Attempts for a record, the first included. @default 12 */
  readonly maxAttempts?: number
  /** Told after every call that the stream answered, for progress. */
  readonly onProgress?: (counts: ProducerCounts) => void
}

export interface ProducerCounts {
  /** Events handed in. */
  readonly sent: number
  /** Events that the stream acknowledged. */
  readonly accepted: number
  /** Records sent again because the stream refused them, or because nobody knows. */
  readonly retried: number
  /** Events given up. */
  readonly failed: number
}

/** An event that did not reach the stream, as far as is known. */
export interface NotAccepted {
  readonly source: string
  readonly id: string
  readonly reason: string
}

const BACKOFF_MS = { first: 50, most: 5_000 }
/** Events that the error names; more of them would be no help. */
const NAMED = 100

/**
 * Sends events to a stream: packed and compressed, at least once, in order per partition key. A record that the stream
 * refuses is sent again, alone, and holds back only what comes after it in its slot. Memory is bounded: `send` waits
 * while the stream is behind.
 */
export class Producer {
  readonly #options: Required<Omit<ProducerOptions, 'onProgress'>> &
    Pick<ProducerOptions, 'onProgress'>
  readonly #slots: Slot[]
  readonly #notAccepted: NotAccepted[] = []
  readonly #counts = { sent: 0, accepted: 0, retried: 0, failed: 0 }
  #bufferedBytes = 0
  #calls = 0
  #closed = false
  #fault: unknown
  /** Woken whenever something has left the buffer. */
  #waiting: (() => void)[] = []

  constructor(options: ProducerOptions) {
    this.#options = {
      batchBytes: 256 * 1024,
      batchEvents: 5_000,
      lingerMs: 200,
      bufferBytes: 32 * 1024 * 1024,
      concurrency: 4,
      maxAttempts: 12,
      ...options,
    }
    this.#slots = Array.from({ length: PARTITION_SLOTS }, () => ({ sealed: [], busy: false }))
  }

  get counts(): ProducerCounts {
    return { ...this.#counts }
  }

  /** Takes an event; resolves when there is room for the next. Says nothing about the stream yet: `flush` does. */
  async send(event: ProducerEvent): Promise<void> {
    if (this.#closed) throw new PlatformError('producer.closed', 'the producer is closed')
    const bytes = Buffer.byteLength(event.text)
    const number = partitionSlot(event.partitionKey)
    const slot = this.#slots[number]!
    if (slot.open !== undefined && !this.#fits(slot.open, bytes)) this.#sealAndSend(slot)
    if (slot.open === undefined) {
      slot.open = new ProducerBatch(number)
      this.#sealLater(slot, slot.open)
    }
    slot.open.add(event, bytes)
    this.#counts.sent += 1
    this.#bufferedBytes += bytes
    if (!this.#fits(slot.open, 0)) this.#sealAndSend(slot)
    while (this.#bufferedBytes > this.#options.bufferBytes && this.#fault === undefined) {
      // What still waits for company would never free the room that we wait for.
      if (this.#calls === 0) this.#sealAll()
      await this.#change()
    }
    this.#throwFault()
  }

  /**
   * Resolves when the stream has acknowledged every event sent so far. Throws `producer.notAccepted`, naming the events
   * that it did not take and why; the others are in the stream.
   */
  async flush(): Promise<void> {
    this.#sealAll()
    while (this.#bufferedBytes > 0 && this.#fault === undefined) await this.#change()
    this.#throwFault()
    const lost = this.#notAccepted.splice(0)
    if (lost.length === 0) return
    const [first] = lost
    const more = lost.length > 1 ? ` and ${lost.length - 1} more` : ''
    throw new PlatformError(
      'producer.notAccepted',
      `event ${first!.id} of ${first!.source}${more} not accepted by the stream: ${first!.reason}`,
      { context: { events: lost.slice(0, NAMED), count: lost.length } },
    )
  }

  /** Flushes, and takes no more events. */
  async close(): Promise<void> {
    this.#closed = true
    await this.flush()
  }

  #fits(batch: ProducerBatch, bytes: number): boolean {
    const { batchBytes, batchEvents } = this.#options
    if (batch.events.length === 0) return true
    return batch.bytes + bytes < batchBytes && batch.events.length < batchEvents
  }

  #sealLater(slot: Slot, batch: ProducerBatch): void {
    this.#options.sleep(this.#options.lingerMs).then(
      () => {
        if (slot.open === batch) this.#sealAndSend(slot)
      },
      (error: unknown) => this.#fail(error),
    )
  }

  #sealAll(): void {
    for (const slot of this.#slots) if (slot.open !== undefined) this.#seal(slot)
    this.#pump()
  }

  #sealAndSend(slot: Slot): void {
    this.#seal(slot)
    this.#pump()
  }

  #seal(slot: Slot): void {
    slot.sealed.push({ batch: slot.open!, attempts: 0 })
    slot.open = undefined
  }

  /** Starts calls while there is something to send. At most one record of a slot is on its way: order depends on it. */
  #pump(): void {
    while (this.#calls < this.#options.concurrency) {
      const group = this.#nextGroup()
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

  #nextGroup(): Slot[] {
    const { limits } = this.#options.sink
    const group: Slot[] = []
    let bytes = 0
    for (const slot of this.#slots) {
      const head = slot.sealed[0]
      if (head === undefined || slot.busy) continue
      const size = head.batch.record().byteLength + slotName(head.batch.slot).length
      if (size > limits.recordBytes) {
        this.#giveUp(slot, `it needs ${size} bytes compressed, a record has ${limits.recordBytes}`)
        return this.#nextGroup()
      }
      if (group.length >= limits.records || bytes + size > limits.bytes) break
      group.push(slot)
      bytes += size
    }
    for (const slot of group) slot.busy = true
    return group
  }

  async #call(group: readonly Slot[]): Promise<void> {
    const records = group.map(({ sealed }) => ({
      partitionKey: slotName(sealed[0]!.batch.slot),
      data: sealed[0]!.batch.record(),
    }))
    const outcomes = await this.#options.sink.put(records).catch((error: unknown) => {
      const reason = error instanceof Error ? error.message : String(error)
      return records.map((): RecordOutcome => ({ accepted: false, retryable: true, reason }))
    })
    for (const [i, slot] of group.entries()) this.#settle(slot, outcomes[i]!)
    this.#options.onProgress?.(this.counts)
  }

  #settle(slot: Slot, outcome: RecordOutcome): void {
    const head = slot.sealed[0]!
    head.attempts += 1
    if (outcome.accepted) {
      slot.busy = false
      this.#remove(slot)
      this.#counts.accepted += head.batch.events.length
      return
    }
    if (!outcome.retryable || head.attempts >= this.#options.maxAttempts) {
      slot.busy = false
      this.#giveUp(slot, outcome.reason)
      return
    }
    // The slot stays busy while it pauses: nothing of it overtakes this record.
    const ceiling = Math.min(BACKOFF_MS.most, BACKOFF_MS.first * 2 ** head.attempts)
    this.#options.sleep(Math.ceil(this.#options.random() * ceiling)).then(
      () => {
        this.#counts.retried += 1
        slot.busy = false
        this.#pump()
      },
      (error: unknown) => this.#fail(error),
    )
  }

  #giveUp(slot: Slot, reason: string): void {
    const { events } = slot.sealed[0]!.batch
    for (const { source, id } of events) this.#notAccepted.push({ source, id, reason })
    this.#counts.failed += events.length
    this.#remove(slot)
  }

  #remove(slot: Slot): void {
    this.#bufferedBytes -= slot.sealed.shift()!.batch.bytes
    this.#wake()
  }

  /** The producer itself cannot go on: its clock was stopped, or the sink broke its promise. */
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

interface Slot {
  /** Still taking events. */
  open?: ProducerBatch | undefined
  /** Waiting to be sent, oldest first. */
  readonly sealed: { readonly batch: ProducerBatch; attempts: number }[]
  /** Its oldest record is on its way, or pauses before it goes again. */
  busy: boolean
}
