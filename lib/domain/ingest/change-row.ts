import { CHANGE_FIELDS, CHANGE_TIME, type ChangeTerms } from '#lib/domain/contract/change-terms.ts'
import type { Contract, Field } from '#lib/domain/contract/contract.ts'
import { NumberText } from '#lib/domain/contract/scalar.ts'
import {
  type Change,
  type ChangeProblem,
  imageOf,
  type JsonObject,
  problem,
  readChange,
  unwrapped,
} from './change-envelope.ts'
import { isPlainObject, member } from './envelope.ts'
import { type RowReader, type RowReading, rowReader } from './read-row.ts'

/**
 * Reads Debezium's envelope of a change as a row of the table of changes: the image of the row after the change, or
 * before it was deleted, with what happened, in which order and when. The contract holds for rows that exist: of a row
 * that is deleted only the types matter, and of what it was before an update only its key. `contract.changes` must be
 * there.
 */
export function changeReader(contract: Contract & { readonly changes: ChangeTerms }): RowReader {
  const { changes } = contract
  const imageFields = contract.fields.filter(({ name }) => !isOwn(name))
  const images = rowReader({ ...contract, fields: imageFields, rowRules: [] })
  const existing = rowReader(contract)
  const unconstrained = contract.fields.map((field) => ({ ...field, constraints: {} }))
  const deleted = rowReader({ ...contract, fields: unconstrained, rowRules: [] })
  return {
    read(data) {
      const change = readChange(data, changes)
      if ('reason' in change) return change
      const row = rowOf(change, imageFields)
      if (change.op === 'd') return placed('before', deleted.read(row))
      return existenceProblem(change, changes) ?? placed('after', existing.read(row))
    },
    unknownNames(data) {
      const envelope = unwrapped(data)
      const found = new Set<string>()
      for (const name of ['before', 'after']) {
        const image = member(envelope, name)
        if (isPlainObject(image))
          for (const unknown of images.unknownNames(image)) found.add(unknown)
      }
      return [...found]
    },
  }
}

/** The value that picks the shard: of a change it stands in the row's image. */
export function partitionValueOf(contract: Contract, data: JsonObject): unknown {
  const { changes, partitionKey } = contract
  return changes === undefined ? member(data, partitionKey) : imageValueOf(data, partitionKey)
}

/** The value of a column in the image of a change's row, whatever the operation. */
export function imageValueOf(data: JsonObject, column: string): unknown {
  const envelope = unwrapped(data)
  const image = member(envelope, 'after') ?? member(envelope, 'before')
  return isPlainObject(image) ? member(image, column) : undefined
}

function isOwn(name: string): boolean {
  return CHANGE_FIELDS.some((own) => own.name === name)
}

/** As an event without an envelope would send it. */
function rowOf(change: Change, fields: readonly Field[]): JsonObject {
  const { op, position, time } = change
  const image = imageOf(change)
  const values = fields.map((field) => [field.name, sentAs(field, image)] as const)
  return { ...Object.fromEntries(values), op, source_position: position, [CHANGE_TIME]: time }
}

/**
 * Debezium has no exact number for a decimal: with all its digits it comes as text. Text without a point may be its other
 * form, bytes in base64, some of which are all digits: that is no number to anybody.
 */
function sentAs({ name, type }: Field, image: JsonObject): unknown {
  const sent = member(image, name)
  const isDecimal = type.kind === 'decimal' && typeof sent === 'string' && sent.includes('.')
  return isDecimal ? new NumberText(sent) : sent
}

/** What a row that exists after the change must be, and no column can say. */
function existenceProblem(
  { before, after }: Change,
  { key, required }: ChangeTerms,
): ChangeProblem | undefined {
  const missing = required.find((field) => (member(after!, field) ?? null) === null)
  if (missing !== undefined) {
    return problem(`after.${missing}.missing`, `after.${missing} is required of a row that exists`)
  }
  if (
    before === undefined ||
    key.every((field) => isSame(member(before, field), member(after!, field)))
  ) {
    return undefined
  }
  return problem('change.key', 'an update keeps its key: another key is a delete and a create')
}

function isSame(left: unknown, right: unknown): boolean {
  return textOf(left) === textOf(right)
}

function textOf(value: unknown): string | undefined {
  return value instanceof NumberText ? value.text : JSON.stringify(value)
}

/** What is wrong with an image says in which. */
function placed(image: string, reading: RowReading): RowReading | ChangeProblem {
  if (reading.ok || reading.reason.startsWith('rule:')) return reading
  return problem(`${image}.${reading.reason}`, `${image}.${reading.detail}`)
}
