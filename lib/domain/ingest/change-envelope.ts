import { type ChangeTerms, OPERATIONS, type Operation } from '#lib/domain/contract/change-terms.ts'
import { NumberText } from '#lib/domain/contract/scalar.ts'
import { isPlainObject, member } from './envelope.ts'

export type JsonObject = Readonly<Record<string, unknown>>

/** A change as Debezium tells it. Of the images there are those that its operation has. */
export interface Change {
  readonly op: Operation
  readonly before?: JsonObject
  readonly after?: JsonObject
  readonly source: JsonObject
  /** Of two changes of a row the one with the greater text is later. */
  readonly position: string
  /** When the source committed it, RFC 3339. */
  readonly time: string
}

export interface ChangeProblem {
  readonly ok: false
  readonly reason: string
  readonly detail: string
}

/** The last instant that text with four digits of a year can say, in milliseconds. */
const MAX_TIME_MS = 253_402_300_799_999
const MAX_POSITION_LENGTH = 256

/**
 * Debezium's envelope `{before, after, source, op, ts_ms}` of a change, whose numbers are {@link NumberText}, or what
 * is wrong with it.
 */
export function readChange(
  data: JsonObject,
  { position: names }: Pick<ChangeTerms, 'position'>,
): Change | ChangeProblem {
  const envelope = unwrapped(data)
  const op = member(envelope, 'op')
  if (!OPERATIONS.includes(op as Operation)) {
    return problem('change.op', `op must be one of ${OPERATIONS.join(', ')}`)
  }
  const images: { before?: JsonObject; after?: JsonObject } = {}
  for (const name of ['before', 'after'] as const) {
    const image = member(envelope, name) ?? undefined
    const isKnown = name === (op === 'd' ? 'before' : 'after')
    const mayBe = isKnown || (name === 'before' && op === 'u')
    if (image === undefined && !isKnown) continue
    if (!mayBe) return problem(`change.${name}`, `a change with op ${op} has no ${name}`)
    if (!isPlainObject(image)) {
      return problem(`change.${name}`, `a change with op ${op} has ${name}, an image of the row`)
    }
    images[name] = image
  }
  const source = member(envelope, 'source')
  if (!isPlainObject(source)) return problem('change.source', 'source must be an object')
  const parts = names.map((name, at) => {
    const sent = member(source, name) ?? undefined
    // What a snapshot read has no place in a transaction: it comes before the changes at its position.
    return sent === undefined && op === 'r' && at > 0 ? '' : positionPart(sent)
  })
  if (parts.includes(undefined)) {
    return problem(
      'change.position',
      `source must have ${names.join(', ')}: whole numbers from 0, or texts of 1 to ${MAX_POSITION_LENGTH} characters`,
    )
  }
  const ms = wholeNumber(member(source, 'ts_ms'))
  if (ms === undefined || Number(ms) > MAX_TIME_MS) {
    return problem('change.time', 'source.ts_ms must be milliseconds since the epoch')
  }
  return {
    op: op as Operation,
    ...images,
    source,
    position: parts.join('/'),
    time: new Date(Number(ms)).toISOString(),
  }
}

/** The envelope itself: with Debezium's `schemas.enable` it stands as `payload` beside its schema. */
export function unwrapped(data: JsonObject): JsonObject {
  const payload = member(data, 'payload')
  return member(data, 'op') === undefined && isPlainObject(payload) ? payload : data
}

/** The image that the row of a change is made of: after it, or before it was deleted. */
export function imageOf(change: Change): JsonObject {
  return change.op === 'd' ? change.before! : change.after!
}

export function problem(reason: string, detail: string): ChangeProblem {
  return { ok: false, reason, detail }
}

/** A number with its length in front, so that the order of texts is that of numbers; other text as it is. */
function positionPart(value: unknown): string | undefined {
  const digits = typeof value === 'string' && /^\d+$/.test(value) ? value : wholeNumber(value)
  const text = digits?.replace(/^0+(?=\d)/, '') ?? value
  if (typeof text !== 'string' || text === '' || text.length > MAX_POSITION_LENGTH) return undefined
  if (digits !== undefined) return `${String(text.length).padStart(3, '0')}${text}`
  return text.isWellFormed() ? text : undefined
}

function wholeNumber(value: unknown): string | undefined {
  return value instanceof NumberText && /^\d+$/.test(value.text) ? value.text : undefined
}
