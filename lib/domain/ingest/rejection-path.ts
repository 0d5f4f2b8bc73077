import { UNKNOWN_VERSION } from './decode-by-version.ts'
import type { EnvelopeReason } from './envelope.ts'
import { UNDECODABLE_REASONS } from './raw-event.ts'

/** Where in a CloudEvent the envelope is wrong; what is not here is wrong with the event as a whole. */
const ENVELOPE_PATHS: Readonly<Partial<Record<EnvelopeReason | typeof UNKNOWN_VERSION, string>>> = {
  'event.specVersion': 'specversion',
  'event.id': 'id',
  'event.source': 'source',
  'event.eventType': 'type',
  'event.contentType': 'datacontenttype',
  'event.data': 'data',
  [UNKNOWN_VERSION]: 'dataschema',
}
/** Where Debezium's envelope of a change is wrong. */
const CHANGE_PATHS: Readonly<Record<string, string>> = {
  'change.op': 'data.op',
  'change.before': 'data.before',
  'change.after': 'data.after',
  'change.key': 'data.after',
  'change.source': 'data.source',
  'change.position': 'data.source',
  'change.time': 'data.source.ts_ms',
}
const WHOLE: readonly string[] = [
  ...UNDECODABLE_REASONS,
  'event.tooLarge',
  'event.tooDeep',
  'event.notJson',
  'event.notObject',
]

/**
 * The place in the event that a reason speaks of: `id`, `data.fare_amount`; `data` for a rule between fields; undefined
 * if it is the event as a whole, or a record that could not be taken apart.
 */
export function rejectionPath(reason: string): string | undefined {
  if (WHOLE.includes(reason)) return undefined
  if (reason.startsWith('rule:')) return 'data'
  const known = ENVELOPE_PATHS[reason as EnvelopeReason] ?? CHANGE_PATHS[reason]
  return known ?? `data.${reason.slice(0, reason.lastIndexOf('.'))}`
}
