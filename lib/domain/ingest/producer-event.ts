import { PlatformError } from '#lib/domain/kernel/errors.ts'
import { MAX_EVENT_BYTES, MAX_IDENTITY_BYTES } from './envelope.ts'

/** CloudEvents identity: of two events with one source and one id, the lake keeps the first. */
export interface EventName {
  readonly source: string
  readonly id: string
}

/** An event as a producer takes it. */
export interface ProducerEvent extends EventName {
  /**
   * The JSON text of one CloudEvent: it travels as it is. It must be JSON: a record is taken apart as a whole, so one
   * broken text would take its neighbours with it.
   */
  readonly text: string
  /** The value that keeps its order: events with equal values arrive in the order they were sent. */
  readonly partitionKey: string
}

/** Bytes of the text. Throws `producer.event`, naming the event, if no archive could take it, whatever the contract. */
export function eventBytes(event: ProducerEvent): number {
  const bytes = Buffer.byteLength(event.text)
  if (bytes > MAX_EVENT_BYTES) {
    throw refused(event, `it has ${bytes} bytes, more than ${MAX_EVENT_BYTES}`)
  }
  if (!event.text.isWellFormed()) {
    throw refused(event, 'its text has a lone surrogate and so no UTF-8 form')
  }
  return bytes
}

function refused(event: ProducerEvent, why: string): PlatformError {
  const { source, id } = nameOf(event)
  return new PlatformError('producer.event', `event ${id} of ${source} cannot be sent: ${why}`, {
    context: { source, id },
  })
}

/** What an event is called in errors: never longer than an identity may be. */
export function nameOf({ source, id }: EventName): EventName {
  return { source: source.slice(0, MAX_IDENTITY_BYTES), id: id.slice(0, MAX_IDENTITY_BYTES) }
}

/** A partition key's value as the text that picks the slot; part of how a product's order is defined. */
export function partitionKeyText(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '')
}
