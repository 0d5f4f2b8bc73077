import { CLASSIFICATIONS } from './classification.ts'
import type { Field } from './contract.ts'
import { readCustomProperties } from './custom-properties.ts'
import { type DocumentNode, isObject, shown } from './document-node.ts'
import { readConstraints } from './field-constraints.ts'
import { readFieldType } from './field-type.ts'
import { PROPERTY_KEYS } from './odcs-keys.ts'
import { SYSTEM_COLUMNS } from './table-columns.ts'

/** A field, with the ODCS words that the contract as a whole is made from. */
export interface CompiledField {
  readonly field: Field
  readonly node: DocumentNode
  readonly classification?: string
  /** Its place in the table's partitioning. */
  readonly partitionPosition?: number
}

const RESERVED = ['constructor', 'prototype']

/** Compiles `schema[0].properties`; notes what is wrong. */
export function compileFields(nodes: readonly DocumentNode[]): CompiledField[] {
  const nextFreeId = idAfter(nodes)
  const fields = nodes.flatMap((node) => compileField(node, nextFreeId) ?? [])
  refuseTwice(fields, (one) => one.field.name, 'name', nextFreeId)
  refuseTwice(fields, (one) => one.field.id, 'weir.fieldId', nextFreeId)
  return fields
}

function compileField(node: DocumentNode, nextFreeId: number): CompiledField | undefined {
  if (!node.object('a property of the schema', PROPERTY_KEYS)) return undefined
  const name = fieldName(node.get('name'))
  const compiled = readFieldType(node)
  const constraints = compiled === undefined ? {} : readConstraints(node, compiled)
  const custom = readCustomProperties(node, 'field')
  const id = custom.integer('weir.fieldId')
  if (!custom.has('weir.fieldId')) {
    node.problem(
      `weir.fieldId is missing: add "- property: weir.fieldId" with "value: ${nextFreeId}" (the next free id) to customProperties`,
      { atKey: true },
    )
  }
  const classification = node.get('classification').text('classification')
  if (classification !== undefined && !CLASSIFICATIONS.includes(classification)) {
    node
      .get('classification')
      .problem(`a classification is ${CLASSIFICATIONS.join(', ')}, not ${shown(classification)}`)
  }
  const physicalName = node.get('physicalName')
  if (!physicalName.isAbsent && physicalName.value !== name) {
    physicalName.problem('a column is named as its field: remove physicalName', { atKey: true })
  }
  const required = node.get('required').boolean('required') ?? false
  const position = partitionPosition(node)
  if (name === undefined || compiled === undefined || id === undefined) return undefined
  return {
    field: {
      id,
      name,
      type: compiled.type,
      required,
      description: node.get('description').text('description') ?? '',
      personal:
        custom.boolean('weir.personal') ??
        (classification === 'personal' || classification === 'restricted'),
      constraints,
    },
    node,
    ...(classification === undefined ? {} : { classification }),
    ...(position === undefined ? {} : { partitionPosition: position }),
  }
}

function fieldName(node: DocumentNode): string | undefined {
  const name = node.requiredText('the name of a field', '"name: <field>"')
  if (name === undefined) return undefined
  if (!/^[a-z][a-z0-9_]{0,62}$/.test(name) || RESERVED.includes(name)) {
    return node.problem(
      `${shown(name)} cannot name a field: write a small letter, then small letters, digits and _, at most 63 in all`,
    )
  }
  if (SYSTEM_COLUMNS.some((column) => column.name === name)) {
    return node.problem(`"${name}" is a column of Weir's own: choose another name`)
  }
  return name
}

function partitionPosition(node: DocumentNode): number | undefined {
  const position = node.get('partitionKeyPosition')
  const stated = position.value === -1 ? undefined : position.integer('partitionKeyPosition', 1, 4)
  if (node.get('partitioned').boolean('partitioned') === true) return stated ?? 1
  return undefined
}

function idAfter(nodes: readonly DocumentNode[]): number {
  let greatest = 9
  for (const node of nodes) {
    const custom = node.get('customProperties').value
    for (const item of Array.isArray(custom) ? custom : []) {
      if (!isObject(item) || item.property !== 'weir.fieldId') continue
      if (Number.isSafeInteger(item.value)) greatest = Math.max(greatest, item.value as number)
    }
  }
  return greatest + 1
}

function refuseTwice(
  fields: readonly CompiledField[],
  keyOf: (one: CompiledField) => string | number,
  what: string,
  nextFreeId: number,
): void {
  const seen = new Map<string | number, string>()
  for (const one of fields) {
    const key = keyOf(one)
    const first = seen.get(key)
    if (first === undefined) {
      seen.set(key, one.field.name)
    } else if (what === 'name') {
      one.node.get('name').problem(`two fields are named "${key}": rename one`)
    } else {
      one.node.problem(
        `${what} ${key} is already that of "${first}": give "${one.field.name}" ${nextFreeId}, the next free id`,
        { atKey: true },
      )
    }
  }
}
