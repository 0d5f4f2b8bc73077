import { setTimeout as sleep } from 'node:timers/promises'
import { KinesisClient } from '@aws-sdk/client-kinesis'
import { clientConfig } from '#lib/adapters/aws/client-config.ts'
import { Producer, type ProducerCounts, type ProducerOptions } from '#lib/domain/ingest/producer.ts'
import { partitionKeyText } from '#lib/domain/ingest/producer-event.ts'
import { KinesisRecordSink } from './kinesis-record-sink.ts'

type Tuning = Omit<ProducerOptions, 'sink' | 'sleep' | 'random'>

export interface EventProducerOptions<Data extends object> extends Tuning {
  readonly streamName: string
  readonly region: string
  /** CloudEvents `type`: the contract's `weir.eventType`. */
  readonly type: string
  /** CloudEvents `source` of events that state none. */
  readonly source: string
  /**
   * The contract's `weir.partitionKey`, or what finds its value: events that agree in it arrive in the order they were
   * sent.
   */
  readonly partitionKey: (keyof Data & string) | ((data: Data) => unknown)
  /** The contract version that the data follows: `urn:weir:<product>:<version>`. @default the product's own choice */
  readonly dataschema?: string
  /** Made without repeats of its own: the producer repeats what was refused, and only that. @default one for `region` */
  readonly client?: KinesisClient
  /** Told if the process ends with events that nobody acknowledged. @default a line on stderr */
  readonly onAbandoned?: (message: string) => void
}

/** An event to be sent. Sending the same `source` and `id` again adds nothing to the table. */
export interface OutgoingEvent<Data extends object> {
  readonly id: string
  readonly data: Data
  readonly source?: string
  readonly time?: Date
  readonly subject?: string
  /** W3C trace context. */
  readonly traceparent?: string
}

/** An event whose data is the text of a JSON object already, such as a change from another store. */
export interface OutgoingText extends Omit<OutgoingEvent<never>, 'data'> {
  readonly dataText: string
  /** The value of the partition key. */
  readonly partitionKey: unknown
}

/**
 * Sends a product's events to its stream in one cell. `send` resolves when there is room for the next event, `flush`
 * and `close` when the stream has acknowledged what was sent. What is not acknowledged when the process ends may be
 * lost: it is said on stderr, unless the process is killed.
 */
export class EventProducer<Data extends object> {
  readonly #options: EventProducerOptions<Data>
  readonly #producer: Producer

  constructor(options: EventProducerOptions<Data>) {
    const { region, streamName, client } = options
    this.#options = options
    this.#producer = new Producer({
      ...options,
      sink: new KinesisRecordSink({
        client: client ?? new KinesisClient(clientConfig({ region, maxAttempts: 1 })),
        streamName,
      }),
      sleep: (ms) => sleep(ms),
      random: Math.random,
    })
    process.on('exit', this.#tellAbandoned)
  }

  get counts(): ProducerCounts {
    return this.#producer.counts
  }

  /** Takes an event; await it before the next. Throws as {@link Producer.send} does. */
  async send(event: OutgoingEvent<Data>): Promise<void> {
    const { partitionKey: named } = this.#options
    const { data, ...attributes } = event
    const partitionKey = typeof named === 'function' ? named(data) : data[named]
    await this.sendText({ ...attributes, dataText: JSON.stringify(data) ?? 'null', partitionKey })
  }

  /** As {@link send}, with data that travels as it is: no number loses a digit. It must be JSON. */
  async sendText(event: OutgoingText): Promise<void> {
    const { type, dataschema } = this.#options
    const { id, source = this.#options.source, dataText, partitionKey, time, ...attributes } = event
    const envelope = JSON.stringify({
      specversion: '1.0',
      id,
      source,
      type,
      ...(time && { time: time.toISOString() }),
      ...(dataschema && { dataschema }),
      ...attributes,
      datacontenttype: 'application/json',
    })
    const text = `${envelope.slice(0, -1)},"data":${dataText}}`
    await this.#producer.send({
      source,
      id,
      text,
      partitionKey: partitionKeyText(partitionKey ?? source),
    })
  }

  /**
   * Resolves when the stream has acknowledged every event sent so far. Throws `producer.notAccepted`, naming the events
   * that it did not take and why; the others are in the stream.
   */
  flush(): Promise<void> {
    return this.#producer.flush()
  }

  /** Flushes, and takes no more events. */
  async close(): Promise<void> {
    try {
      await this.#producer.close()
    } finally {
      process.off('exit', this.#tellAbandoned)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  readonly #tellAbandoned = (): void => {
    const { sent, accepted, failed } = this.#producer.counts
    const count = sent - accepted - failed
    if (count === 0) return
    const { streamName, onAbandoned } = this.#options
    const message = `the process ended with ${count} events not acknowledged by ${streamName}: await close() before it ends`
    if (onAbandoned !== undefined) onAbandoned(message)
    else process.stderr.write(`weir producer: ${message}\n`)
  }
}
