import { CLASSIFICATIONS } from './classification.ts'
import type { Field } from './contract.ts'
import { type CustomProperties, readCustomProperties } from './custom-properties.ts'
import { type DocumentNode, shown } from './document-node.ts'
import { readConstraints } from './field-constraints.ts'
import { FieldIds } from './field-ids.ts'
import { type NestedCompiler, readFieldType } from './field-type.ts'
import { PROPERTY_KEYS } from './odcs-keys.ts'
import { SYSTEM_COLUMNS } from './table-columns.ts'

/** A field, with the ODCS words that the contract as a whole is made from. */
export interface CompiledField {
  readonly field: Field
  readonly node: DocumentNode
  /** Of the field and of all that is nested in it; undefined where none is stated. */
  readonly classifications?: readonly (string | undefined)[]
  /** Its place in the table's partitioning. */
  readonly partitionPosition?: number
}

/** How deep objects and arrays may nest. */
export const MAX_NESTING = 8
const RESERVED = ['constructor', 'prototype']

/** Compiles `schema[0].properties`; notes what is wrong. */
export function compileFields(nodes: readonly DocumentNode[]): CompiledField[] {
  const ids = new FieldIds(nodes)
  return compileList(nodes, { ids, depth: 0, classifications: [] })
}

interface Level {
  readonly ids: FieldIds
  /** 0 for the columns of the table. */
  readonly depth: number
  /** Of the column that is being compiled: collects those of what is nested in it. */
  readonly classifications: (string | undefined)[]
}

function compileList(nodes: readonly DocumentNode[], level: Level): CompiledField[] {
  const names = new Set<string>()
  return nodes.flatMap((node) => {
    const classifications = level.depth === 0 ? [] : level.classifications
    const compiled = compileField(node, { ...level, classifications })
    if (compiled === undefined) return []
    const { name } = compiled.field
    if (names.has(name)) node.get('name').problem(`two fields are named "${name}": rename one`)
    names.add(name)
    return [compiled]
  })
}

function compileField(node: DocumentNode, level: Level): CompiledField | undefined {
  if (!node.object('a property of the schema', PROPERTY_KEYS)) return undefined
  return completed(node, fieldName(node.get('name'), level.depth), level)
}

/** An array's item: it has no name of its own, and to Iceberg the name `element`. */
function compileElement(node: DocumentNode, level: Level): CompiledField | undefined {
  if (!node.object('the items of an array', PROPERTY_KEYS)) return undefined
  if (!node.get('name').isAbsent && node.get('name').value !== 'element') {
    node.get('name').problem('the items of an array have no name: remove it', { atKey: true })
  }
  return completed(node, 'element', level)
}

function completed(
  node: DocumentNode,
  name: string | undefined,
  level: Level,
): CompiledField | undefined {
  const custom = readCustomProperties(node, 'field')
  const id = level.ids.take(node, custom, name ?? 'a field')
  const compiled = readFieldType(node, nestedCompiler(node, level))
  const constraints = compiled === undefined ? {} : readConstraints(node, compiled, custom)
  const classification = classificationOf(node)
  const personal = isPersonal(custom, classification)
  level.classifications.push(personal ? 'personal' : classification)
  const physicalName = node.get('physicalName')
  if (!physicalName.isAbsent && physicalName.value !== name) {
    physicalName.problem('a column is named as its field: remove physicalName', { atKey: true })
  }
  const required = node.get('required').boolean('required') ?? false
  const position = partitionPosition(node, level.depth)
  if (name === undefined || compiled === undefined || id === undefined) return undefined
  return {
    field: {
      id,
      name,
      type: compiled.type,
      required,
      description: node.get('description').text('description') ?? '',
      personal,
      constraints,
    },
    node,
    classifications: level.classifications,
    ...(position === undefined ? {} : { partitionPosition: position }),
  }
}

function nestedCompiler(node: DocumentNode, level: Level): NestedCompiler {
  const inner = { ...level, depth: level.depth + 1 }
  const isTooDeep = () => {
    if (inner.depth <= MAX_NESTING) return false
    node.problem(`objects and arrays nest at most ${MAX_NESTING} deep: flatten it`, { atKey: true })
    return true
  }
  return {
    fields: (nodes) => (isTooDeep() ? [] : compileList(nodes, inner).map((one) => one.field)),
    element: (item) => (isTooDeep() ? undefined : compileElement(item, inner)?.field),
  }
}

function isPersonal(custom: CustomProperties, classification: string | undefined): boolean {
  const byClass = classification === 'personal' || classification === 'restricted'
  return custom.boolean('weir.personal') ?? byClass
}

function classificationOf(node: DocumentNode): string | undefined {
  const text = node.get('classification').text('classification')
  if (text === undefined || CLASSIFICATIONS.includes(text)) return text
  return node
    .get('classification')
    .problem(`a classification is ${CLASSIFICATIONS.join(', ')}, not ${shown(text)}`)
}

function fieldName(node: DocumentNode, depth: number): string | undefined {
  const name = node.requiredText('the name of a field', '"name: <field>"')
  if (name === undefined) return undefined
  if (!/^[a-z][a-z0-9_]{0,62}$/.test(name) || RESERVED.includes(name)) {
    return node.problem(
      `${shown(name)} cannot name a field: write a small letter, then small letters, digits and _, at most 63 in all`,
    )
  }
  if (depth === 0 && SYSTEM_COLUMNS.some((column) => column.name === name)) {
    return node.problem(`"${name}" is a column of Weir's own: choose another name`)
  }
  return name
}

function partitionPosition(node: DocumentNode, depth: number): number | undefined {
  const position = node.get('partitionKeyPosition')
  const stated = position.value === -1 ? undefined : position.integer('partitionKeyPosition', 1, 4)
  if (node.get('partitioned').boolean('partitioned') !== true) return undefined
  if (depth === 0) return stated ?? 1
  return node.get('partitioned').problem('only a column of the table can partition it: remove it', {
    atKey: true,
  })
}
