import { zstdCompressSync } from 'node:zlib'
import { type EventName, nameOf, type ProducerEvent } from './producer-event.ts'

/** What holding an event costs besides its text. */
const EVENT_OVERHEAD_BYTES = 200

/** Events of one slot that are still looking for company. */
export class OpenBatch {
  readonly slot: number
  readonly #texts: string[] = []
  readonly #names: EventName[] = []
  #bytes = 0

  constructor(slot: number) {
    this.slot = slot
  }

  get events(): number {
    return this.#names.length
  }

  /** Bytes of the events' texts. */
  get bytes(): number {
    return this.#bytes
  }

  /** Memory that it holds, roughly. */
  get heldBytes(): number {
    return this.#bytes + this.#names.length * EVENT_OVERHEAD_BYTES
  }

  add(event: ProducerEvent, bytes: number): void {
    this.#texts.push(event.text)
    this.#names.push(nameOf(event))
    this.#bytes += bytes
  }

  /** The records it makes, in order: one, unless its events do not fit into one. The texts are let go. */
  seal(recordBytes: number): SealedBatch[] {
    return sealed(this.slot, this.#texts, this.#names, recordBytes)
  }
}

/** A record, made once and sent as often as needed, and the events in it. */
export interface SealedBatch {
  readonly slot: number
  readonly data: Uint8Array
  readonly names: readonly EventName[]
  readonly heldBytes: number
}

/** One event as it is, several as a CloudEvents batch, compressed. What is too much for a record is halved. */
function sealed(
  slot: number,
  texts: readonly string[],
  names: readonly EventName[],
  recordBytes: number,
): SealedBatch[] {
  const data = zstdCompressSync(texts.length === 1 ? texts[0]! : `[${texts.join(',')}]`)
  if (data.byteLength > recordBytes && names.length > 1) {
    const half = names.length >> 1
    return [
      ...sealed(slot, texts.slice(0, half), names.slice(0, half), recordBytes),
      ...sealed(slot, texts.slice(half), names.slice(half), recordBytes),
    ]
  }
  const heldBytes = data.byteLength + names.length * EVENT_OVERHEAD_BYTES
  return [{ slot, data, names, heldBytes }]
}
