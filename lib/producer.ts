/**
 * The producer, for programs that send events to a Weir stream. Everything else of the project is not needed for it:
 * `import { EventProducer } from 'weir/producer'`.
 */
export {
  EventProducer,
  type EventProducerOptions,
  type OutgoingEvent,
} from './adapters/kinesis/event-producer.ts'
export type { NotAccepted, ProducerCounts } from './domain/ingest/producer.ts'
export { hasCode, PlatformError } from './domain/kernel/errors.ts'
