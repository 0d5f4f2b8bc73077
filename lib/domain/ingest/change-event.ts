import { createHash } from 'node:crypto'
import type { ChangeTerms } from '#lib/domain/contract/change-terms.ts'
import { NumberText } from '#lib/domain/contract/scalar.ts'
import { PlatformError } from '#lib/domain/kernel/errors.ts'
import { type Change, imageOf, readChange } from './change-envelope.ts'
import { imageValueOf } from './change-row.ts'
import { isPlainObject, MAX_IDENTITY_BYTES, member, parseKeepingDigits } from './envelope.ts'
import type { EventName } from './producer-event.ts'

/** What a product's contract says of its changes. */
export interface ChangeNaming extends Pick<ChangeTerms, 'key' | 'position'> {
  /** `weir.partitionKey`. @default the first field of the key */
  readonly partitionKey?: string
}

/** A message of Debezium, ready to be sent as an event; its text travels as it is. */
export interface ChangeEvent extends EventName {
  readonly dataText: string
  /** The value that keeps the changes of a row in order. */
  readonly partitionKey: unknown
}

/**
 * Names a message of Debezium (the value of a Kafka record, with or without its schema) as an event, so that a change
 * that is delivered again is the same event, by whomever it is sent. A message that is no change of a row is named by
 * its bytes: the archive rejects it with the reason. Undefined for a tombstone: it says nothing that the deletion before
 * it did not. Throws `producer.change` if the message is not JSON.
 */
export function changeEvent(
  message: string | null | undefined,
  naming: ChangeNaming,
): ChangeEvent | undefined {
  const data = message ? parsed(message) : null
  if (data === null) return undefined
  const { key, partitionKey = key[0]! } = naming
  const exact = parseKeepingDigits(message!)
  const name = changeName(exact.ok ? exact.value : undefined, naming) ?? {
    source: '/debezium',
    id: createHash('sha256').update(message!).digest('hex').slice(0, 32),
  }
  // Not by its exact digits: everybody who sends to the product has to find the same slot.
  const value = isPlainObject(data) ? imageValueOf(data, partitionKey) : undefined
  return { ...name, dataText: message!, partitionKey: value ?? name.source }
}

function parsed(message: string): unknown {
  try {
    return JSON.parse(message)
  } catch (cause) {
    const shown = message.slice(0, 80).toWellFormed()
    throw new PlatformError('producer.change', `a change is not JSON: ${shown}`, { cause })
  }
}

/**
 * What a change is called: of two deliveries of one change the same, of two changes never. Its source is the captured
 * table, its id the operation, the position and the row's key. Numbers are {@link NumberText}. Undefined if it is no
 * change of a row.
 */
export function changeName(data: unknown, naming: ChangeNaming): EventName | undefined {
  if (!isPlainObject(data)) return undefined
  const change = readChange(data, naming)
  if ('reason' in change) return undefined
  const image = imageOf(change)
  const key = naming.key.map((field) => plain(member(image, field)))
  if (key.includes(undefined)) return undefined
  return {
    source: bounded(tableOf(change.source)),
    id: bounded(`${change.op}:${change.position}:${JSON.stringify(key)}`),
  }
}

const TABLE_PARTS = ['connector', 'name', 'db', 'schema', 'table'] as const

function tableOf(source: Change['source']): string {
  const parts = TABLE_PARTS.flatMap((part) => {
    const value = member(source, part)
    return typeof value === 'string' ? [encodeURIComponent(value.toWellFormed())] : []
  })
  return ['/debezium', ...parts].join('/')
}

/** A value of a key as JSON has it; numbers by their digits. */
function plain(value: unknown): string | boolean | undefined {
  if (value instanceof NumberText) return value.text
  if (typeof value === 'string' || typeof value === 'boolean') return value
  return undefined
}

/** An identity has so many bytes at most. */
function bounded(text: string): string {
  if (Buffer.byteLength(text) <= MAX_IDENTITY_BYTES) return text
  return createHash('sha256').update(text).digest('hex')
}
