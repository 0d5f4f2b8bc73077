import {
  CHANGE_TIME,
  type ChangeTerms,
  OPERATIONS,
  type Operation,
} from '#lib/domain/contract/change-terms.ts'
import type { Contract } from '#lib/domain/contract/contract.ts'
import { NumberText } from '#lib/domain/contract/scalar.ts'
import { isPlainObject, member } from './envelope.ts'
import { type RowReader, type RowReading, rowReader } from './read-row.ts'

type JsonObject = Readonly<Record<string, unknown>>
type Refusal = Extract<RowReading, { ok: false }>

/** The last instant that text with four digits of a year can say, in milliseconds. */
const MAX_TIME_MS = 253_402_300_799_999
const MAX_POSITION_LENGTH = 256

/**
 * Reads Debezium's envelope of a change, `{before, after, source, op, ts_ms}`, as a row of the table of changes: the
 * image of the row after the change, or before it was deleted, with what happened, in which order and when. Both
 * images are held against the contract. `contract.changes` must be there.
 */
export function changeReader(contract: Contract & { readonly changes: ChangeTerms }): RowReader {
  const { changes } = contract
  const rows = rowReader(contract)
  const own = new Set(['op', 'source_position', CHANGE_TIME])
  const imageFields = contract.fields.filter((field) => !own.has(field.name))
  const images = rowReader({ ...contract, fields: imageFields, rowRules: [] })
  return {
    read(data) {
      const change = envelopeOf(data, changes)
      if ('reason' in change) return change
      const { op, before, after, position, time } = change
      const [name, image] =
        op === 'd' ? (['before', before!] as const) : (['after', after!] as const)
      const missing =
        op === 'd' ? undefined : changes.required.find((field) => isAbsent(image, field))
      if (missing !== undefined) {
        return refuse(
          `after.${missing}.missing`,
          `after.${missing} is required of a row that exists`,
        )
      }
      if (op === 'u' && before !== undefined) {
        const reading = images.read(before)
        if (!reading.ok) return placed('before', reading)
        if (changes.key.some((field) => textOf(before[field]) !== textOf(image[field]))) {
          return refuse(
            'change.key',
            'an update keeps its key: another key is a delete and a create',
          )
        }
      }
      const row: Record<string, unknown> = { op, source_position: position, [CHANGE_TIME]: time }
      for (const field of imageFields) row[field.name] = member(image, field.name)
      const reading = rows.read(row)
      return reading.ok ? reading : placed(name, reading)
    },
    unknownNames(data) {
      const found = new Set<string>()
      for (const name of ['before', 'after']) {
        const image = member(data, name)
        if (isPlainObject(image))
          for (const unknown of images.unknownNames(image)) found.add(unknown)
      }
      return [...found]
    },
  }
}

/** The value that picks the shard: of a change it stands in the row's image. */
export function partitionValueOf(contract: Contract, data: JsonObject): unknown {
  if (contract.changes === undefined) return member(data, contract.partitionKey)
  const image = member(data, 'after') ?? member(data, 'before')
  return isPlainObject(image) ? member(image, contract.partitionKey) : undefined
}

interface Change {
  readonly op: Operation
  readonly before?: JsonObject
  readonly after?: JsonObject
  readonly position: string
  /** RFC 3339. */
  readonly time: string
}

function envelopeOf(data: JsonObject, { position: names }: ChangeTerms): Change | Refusal {
  const op = member(data, 'op')
  if (!OPERATIONS.includes(op as Operation)) {
    return refuse('change.op', `op must be one of ${OPERATIONS.join(', ')}`)
  }
  const images: { before?: JsonObject; after?: JsonObject } = {}
  for (const name of ['before', 'after'] as const) {
    const image = member(data, name) ?? undefined
    const isKnown = name === (op === 'd' ? 'before' : 'after')
    const mayBe = isKnown || (name === 'before' && op === 'u')
    if (image === undefined && !isKnown) continue
    if (!mayBe) return refuse(`change.${name}`, `a change with op ${op} has no ${name}`)
    if (!isPlainObject(image)) {
      return refuse(`change.${name}`, `a change with op ${op} has ${name}, an image of the row`)
    }
    images[name] = image
  }
  const source = member(data, 'source')
  if (!isPlainObject(source)) return refuse('change.source', 'source must be an object')
  const parts = names.map((name) => positionPart(member(source, name)))
  if (parts.includes(undefined)) {
    return refuse(
      'change.position',
      `source must have ${names.join(', ')}: whole numbers from 0, or texts of 1 to ${MAX_POSITION_LENGTH} characters`,
    )
  }
  const ms = wholeNumber(member(source, 'ts_ms'))
  if (ms === undefined || Number(ms) > MAX_TIME_MS) {
    return refuse('change.time', 'source.ts_ms must be milliseconds since the epoch')
  }
  return {
    op: op as Operation,
    ...images,
    position: parts.join('/'),
    time: new Date(Number(ms)).toISOString(),
  }
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

function isAbsent(image: JsonObject, field: string): boolean {
  const value = member(image, field)
  return value === undefined || value === null
}

function textOf(value: unknown): string {
  return value instanceof NumberText ? value.text : JSON.stringify(value)
}

function refuse(reason: string, detail: string): Refusal {
  return { ok: false, reason, detail }
}

/** What is wrong with an image says in which. */
function placed(image: string, reading: Refusal): Refusal {
  if (reading.reason.startsWith('rule:')) return reading
  return refuse(`${image}.${reading.reason}`, `${image}.${reading.detail}`)
}
