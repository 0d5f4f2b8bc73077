import type { DecisionLog } from '#lib/domain/features/decide/decision.ts'
import type { DecisionEvent } from '#lib/domain/features/decide/log-event.ts'
import { PlatformError } from '#lib/domain/kernel/errors.ts'
import { EventProducer } from './event-producer.ts'

/** A stream that decisions are logged to, as its product's contract has it. */
export interface LogStream {
  readonly streamName: string
  readonly eventType: string
  readonly spread: number
}

/** Sends decisions to the streams of the products that keep them. */
export class DecisionStreams {
  readonly #region: string
  readonly #streams: Readonly<Record<string, LogStream>>
  readonly #producers = new Map<string, EventProducer<DecisionEvent>>()

  constructor(options: {
    readonly region: string
    /** By product. */
    readonly streams: Readonly<Record<string, LogStream>>
  }) {
    this.#region = options.region
    this.#streams = options.streams
  }

  /** Resolves once the stream has the event. Throws `producer.notAccepted` if it does not take it. */
  async send({ product, source }: DecisionLog, event: DecisionEvent): Promise<void> {
    const producer = this.#producerOf(product, source)
    await producer.send({ id: event.request_id, source, data: event })
    await producer.flush()
  }

  #producerOf(product: string, source: string): EventProducer<DecisionEvent> {
    const known = this.#producers.get(product)
    if (known !== undefined) return known
    const stream = this.#streams[product]
    if (stream === undefined) {
      throw new PlatformError('decision.noLog', `no stream of product "${product}" was deployed`)
    }
    const producer = new EventProducer<DecisionEvent>({
      region: this.#region,
      streamName: stream.streamName,
      type: stream.eventType,
      source,
      partitionKey: 'request_id',
      spread: stream.spread,
    })
    this.#producers.set(product, producer)
    return producer
  }
}
