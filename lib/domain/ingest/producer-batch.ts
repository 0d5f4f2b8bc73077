import { zstdCompressSync } from 'node:zlib'

/** An event as a producer takes it. */
export interface ProducerEvent {
  /** CloudEvents identity, for naming it if it is not accepted. */
  readonly source: string
  readonly id: string
  /** The event's exact JSON text: it travels as it is. */
  readonly text: string
  /** The value that keeps its order: events with equal values arrive in the order they were sent. */
  readonly partitionKey: string
}

/** Events of one slot that share a record. */
export class ProducerBatch {
  readonly slot: number
  readonly events: ProducerEvent[] = []
  #bytes = 0
  #data: Uint8Array | undefined

  constructor(slot: number) {
    this.slot = slot
  }

  /** Bytes of the events' texts. */
  get bytes(): number {
    return this.#bytes
  }

  add(event: ProducerEvent, bytes: number): void {
    this.events.push(event)
    this.#bytes += bytes
  }

  /** The record: one event as it is, several as a CloudEvents batch, compressed. Made once, sent as often as needed. */
  record(): Uint8Array {
    if (this.#data === undefined) {
      const texts = this.events.map((event) => event.text)
      const json = texts.length === 1 ? texts[0]! : `[${texts.join(',')}]`
      this.#data = zstdCompressSync(json)
    }
    return this.#data
  }
}
