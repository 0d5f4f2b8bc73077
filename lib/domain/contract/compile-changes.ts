import { CHANGE_FIELDS, CHANGE_TIME, type ChangeTerms } from './change-terms.ts'
import type { CompiledField } from './compile-field.ts'
import type { CustomProperties } from './custom-properties.ts'
import { shown } from './document-node.ts'

/** A product of changes: its terms, and its fields with those that every table of changes has. */
export interface CompiledChanges {
  readonly terms: ChangeTerms
  readonly fields: readonly CompiledField[]
}

/** What `weir.cdc` makes of the fields; undefined if the events are no changes. Notes what is wrong. */
export function changesOf(
  custom: CustomProperties,
  fields: readonly CompiledField[],
): CompiledChanges | undefined {
  if (!custom.has('weir.cdc')) return undefined
  const format = custom.text('weir.cdc')
  if (format !== 'debezium') {
    return custom
      .node('weir.cdc')
      .problem(`weir.cdc is "debezium", the envelope of the changes, not ${shown(format ?? null)}`)
  }
  const key = keyOf(custom, fields)
  for (const { field, node, partitionPosition } of fields) {
    if (CHANGE_FIELDS.some((own) => own.name === field.name)) {
      node
        .get('name')
        .problem(`"${field.name}" is a column of every table of changes: choose another name`)
    }
    if (partitionPosition !== undefined && !key.includes(field.name)) {
      node.problem(
        `"${field.name}" may change, and a row's changes belong into one partition: partition by the primary key`,
      )
    }
  }
  const partitionKey = custom.text('weir.partitionKey')
  if (partitionKey !== undefined && key.length > 0 && !key.includes(partitionKey)) {
    custom
      .node('weir.partitionKey')
      .problem(`changes of a row keep their order by its key: write "value: ${key[0]}"`)
  }
  if ((custom.integer('weir.spread') ?? 1) > 1) {
    custom
      .node('weir.spread')
      .problem('changes of a row keep their order, which a spread key gives up: remove weir.spread')
  }
  if (custom.text('weir.eventTime') !== CHANGE_TIME) {
    custom
      .node('weir.eventTime')
      .problem(
        `the event is the change: write "value: ${CHANGE_TIME}", when its source committed it`,
      )
  }
  const own = CHANGE_FIELDS.map((field): CompiledField => {
    return { field, node: custom.node('weir.cdc'), classifications: [] }
  })
  const images = fields.map((one) => {
    return { ...one, field: { ...one.field, required: key.includes(one.field.name) } }
  })
  return {
    terms: {
      format,
      position: positionOf(custom),
      key,
      required: fields.filter((one) => one.field.required).map((one) => one.field.name),
    },
    fields: [...images, ...own],
  }
}

function keyOf(custom: CustomProperties, fields: readonly CompiledField[]): readonly string[] {
  const keyed = fields.flatMap(({ field, node }) => {
    const position = node.get('primaryKeyPosition').integer('primaryKeyPosition', -1, 1_000) ?? 1
    if (node.get('primaryKey').boolean('primaryKey') !== true) return []
    if (!field.required) {
      node.problem(`"${field.name}" names a row: add "required: true"`)
    }
    return [{ name: field.name, position }]
  })
  if (keyed.length === 0 && fields.length > 0) {
    custom
      .node('weir.cdc')
      .problem('changes are changes of rows: add "primaryKey: true" to the fields that name a row')
  }
  return keyed.sort((a, b) => a.position - b.position).map((one) => one.name)
}

function positionOf(custom: CustomProperties): readonly string[] {
  if (!custom.has('weir.cdcPosition')) {
    const missing = `weir.cdcPosition is missing: add the members of a change's source that tell which of two changes is later, ${EXAMPLES}`
    return custom.node('weir.cdc').problem(missing) ?? []
  }
  const text = custom.text('weir.cdcPosition') ?? ''
  const names = text.split(',').map((name) => name.trim())
  const wrong = positionProblem(names, text)
  if (wrong === undefined) return names
  return custom.node('weir.cdcPosition').problem(`${wrong}, ${EXAMPLES}`) ?? []
}

const EXAMPLES = 'such as "lsn" or "file, pos, row"'

function positionProblem(names: readonly string[], text: string): string | undefined {
  if (!names.every((name) => /^[A-Za-z_][A-Za-z0-9_]{0,62}$/.test(name))) {
    return `weir.cdcPosition is ${shown(text)}: name members of a change's source`
  }
  // When its source committed it: the same for all changes of a transaction, so it neither orders nor names them.
  if (names.every((name) => /^ts_(ms|us|ns)$/.test(name))) {
    return `the changes of a transaction share ${names.join(' and ')}: add what tells them apart`
  }
  return undefined
}
