import { NumberText } from '#lib/domain/contract/scalar.ts'
import { isDeeperThan } from './json-text.ts'

/** A CloudEvents 1.0 envelope that fits the product, with its data as it was sent. */
export type Envelope =
  | {
      readonly ok: true
      readonly source: string
      readonly id: string
      readonly data: Readonly<Record<string, unknown>>
    }
  | {
      readonly ok: false
      readonly source?: string
      readonly id?: string
      readonly reason: EnvelopeReason
      readonly detail: string
    }

/** In the order in which they are looked for. */
export const ENVELOPE_REASONS = [
  'event.tooLarge',
  'event.tooDeep',
  'event.notJson',
  'event.notObject',
  'event.specVersion',
  'event.id',
  'event.source',
  'event.eventType',
  'event.contentType',
  'event.data',
] as const

export type EnvelopeReason = (typeof ENVELOPE_REASONS)[number]

export const MAX_EVENT_BYTES = 1 << 20
export const MAX_EVENT_DEPTH = 64
/** Of `id` and of `source`, each. */
export const MAX_IDENTITY_BYTES = 1_024

/** Reads an event's envelope. Numbers in `data` are {@link NumberText}. Never throws. */
export function readEnvelope(text: string, eventType: string): Envelope {
  if (Buffer.byteLength(text) > MAX_EVENT_BYTES) {
    return refuse('event.tooLarge', `an event has at most ${MAX_EVENT_BYTES} bytes`)
  }
  // Before parsing: the walk that keeps the digits of numbers is recursive.
  if (isDeeperThan(text, MAX_EVENT_DEPTH)) {
    return refuse('event.tooDeep', `an event nests at most ${MAX_EVENT_DEPTH} deep`)
  }
  const parsed = parseKeepingDigits(text)
  if (!parsed.ok) return refuse('event.notJson', 'the event is not JSON')
  if (!isPlainObject(parsed.value)) return refuse('event.notObject', 'an event is a JSON object')
  const event = parsed.value
  const id = identityText(event, 'id')
  const source = identityText(event, 'source')
  const known = { ...(id === undefined ? {} : { id }), ...(source === undefined ? {} : { source }) }
  const fault = faultOf(event, id, source, eventType)
  if (fault !== undefined) return { ...fault, ...known }
  return {
    ok: true,
    source: source!,
    id: id!,
    data: member(event, 'data') as Readonly<Record<string, unknown>>,
  }
}

function faultOf(
  event: Readonly<Record<string, unknown>>,
  id: string | undefined,
  source: string | undefined,
  eventType: string,
): (Envelope & { ok: false }) | undefined {
  const limits = `is a text of 1 to ${MAX_IDENTITY_BYTES} bytes of Unicode`
  if (member(event, 'specversion') !== '1.0') {
    return refuse('event.specVersion', 'specversion must be "1.0"')
  }
  if (id === undefined) return refuse('event.id', `id ${limits}`)
  if (source === undefined) return refuse('event.source', `source ${limits}`)
  if (member(event, 'type') !== eventType) {
    return refuse('event.eventType', `type must be ${JSON.stringify(eventType)}`)
  }
  const contentType = member(event, 'datacontenttype') ?? 'application/json'
  if (typeof contentType !== 'string' || !isJsonType(contentType)) {
    return refuse('event.contentType', 'datacontenttype must be application/json, or absent')
  }
  if (!isPlainObject(member(event, 'data'))) {
    return refuse('event.data', 'data must be a JSON object')
  }
  return undefined
}

function refuse(reason: EnvelopeReason, detail: string): Envelope & { ok: false } {
  return { ok: false, reason, detail }
}

/** An own member: a key that only the prototype has is absent. */
export function member(object: Readonly<Record<string, unknown>>, name: string): unknown {
  return Object.hasOwn(object, name) ? object[name] : undefined
}

function identityText(event: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const value = member(event, name)
  if (typeof value !== 'string' || value === '' || !value.isWellFormed()) return undefined
  return Buffer.byteLength(value) <= MAX_IDENTITY_BYTES ? value : undefined
}

/** `application/json` or a `+json` type, whatever its parameters (RFC 2045, RFC 6839). */
function isJsonType(contentType: string): boolean {
  const type = contentType.split(';', 1)[0]!.trim().toLowerCase()
  return type === 'application/json' || /^[a-z]+\/[a-z0-9.!#$&^_-]+\+json$/.test(type)
}

/** An object of JSON, not a list, not a number. */
export function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false
  return !Array.isArray(value) && !(value instanceof NumberText)
}

type Reviver = (this: unknown, key: string, value: unknown) => unknown

/** Parsed JSON with its numbers as {@link NumberText}. */
export function parseKeepingDigits(text: string): { ok: true; value: unknown } | { ok: false } {
  const keepDigits = (_key: string, value: unknown, context: { readonly source?: string }) =>
    typeof value === 'number' ? new NumberText(context.source!) : value
  try {
    // The third parameter (ECMAScript's JSON.parse source text access) is newer than the types.
    return { ok: true, value: JSON.parse(text, keepDigits as unknown as Reviver) }
  } catch {
    return { ok: false }
  }
}
