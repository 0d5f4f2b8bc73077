/**
 * The producer, for programs that send events to a Weir stream. Everything else of the project is not needed for it:
 * `import { EventProducer } from 'weir/producer'`.
 */
export {
  EventProducer,
  type EventProducerOptions,
  type OutgoingEvent,
  type OutgoingText,
} from './adapters/kinesis/event-producer.ts'
export { type ChangeEvent, type ChangeNaming, changeEvent } from './domain/ingest/change-event.ts'
export type { NotAccepted, ProducerCounts } from './domain/ingest/producer.ts'
export { hasCode, PlatformError } from './domain/kernel/errors.ts'
