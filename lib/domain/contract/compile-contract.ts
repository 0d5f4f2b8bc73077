import { PlatformError } from '#lib/domain/kernel/errors.ts'
import type { JsonValue } from '#lib/domain/kernel/json.ts'
import { strongestClassification } from './classification.ts'
import { type CompiledField, compileFields } from './compile-field.ts'
import { limitsOf } from './compile-limits.ts'
import { rowRulesOf } from './compile-rules.ts'
import type { Contract } from './contract.ts'
import { type CustomProperties, readCustomProperties } from './custom-properties.ts'
import {
  DocumentNode,
  type DocumentProblem,
  isObject,
  shown,
  TooManyProblems,
} from './document-node.ts'
import { refuseForeignContent } from './foreign-content.ts'
import { CONTRACT_KEYS, DESCRIPTION_KEYS, SCHEMA_KEYS } from './odcs-keys.ts'
import type { WeirPropertyName } from './weir-properties.ts'

export const MAX_FIELDS = 1_000
const VERSION = /^(0|[1-9]\d{0,5})(\.(0|[1-9]\d{0,5})){2}$/
/** What AWS allows in the value of a tag. */
const TAG = /^[A-Za-z0-9 _.:/=+@-]{1,128}$/

export type ContractCompilation =
  | { readonly ok: true; readonly contract: Contract }
  | { readonly ok: false; readonly problems: readonly DocumentProblem[] }

/**
 * The contract of an ODCS document as it was parsed when the function was built. Throws
 * `contract.invalid` with every problem and its path.
 */
export function compileContract(document: JsonValue): Contract {
  const compilation = checkContract(document)
  if (compilation.ok) return compilation.contract
  const lines = compilation.problems.map(
    (one) => `${one.path.join('.') || 'document'}: ${one.message}`,
  )
  throw new PlatformError('contract.invalid', lines.join('\n'), {
    context: { problems: compilation.problems },
  })
}

/** The contract, or what is wrong with the document and where. Never throws, whatever the document. */
export function checkContract(document: JsonValue): ContractCompilation {
  const problems: DocumentProblem[] = []
  const root = new DocumentNode(document, [], problems)
  try {
    refuseForeignContent(root)
    const contract = problems.length === 0 ? compile(root) : undefined
    if (contract !== undefined && problems.length === 0) return { ok: true, contract }
  } catch (error) {
    if (!(error instanceof TooManyProblems)) throw error
  }
  return { ok: false, problems }
}

function compile(root: DocumentNode): Contract | undefined {
  if (!isObject(root.value)) {
    return root.problem(`a contract is an ODCS v3.1.0 document, not ${shown(root.value ?? null)}`)
  }
  root.object('a contract', CONTRACT_KEYS)
  expectHead(root)
  const product = productName(root.get('dataProduct'))
  const version = versionOf(root.get('version'))
  const custom = readCustomProperties(root, 'contract')
  const schema = onlySchema(root.get('schema'), product)
  const fields = schema === undefined ? [] : fieldsOf(schema)
  const rowRules = schema === undefined ? [] : rowRulesOf(schema, fields)
  const eventTime = fieldNamed(custom, 'weir.eventTime', fields)
  if (eventTime !== undefined && eventTime.field.type.kind !== 'timestamp') {
    custom
      .node('weir.eventTime')
      .problem(
        `event time is a timestamp, and "${eventTime.field.name}" is a ${eventTime.field.type.kind}: name another field`,
      )
  }
  const partitionKey = fieldNamed(custom, 'weir.partitionKey', fields)
  const description = root.get('description')
  description.object('description', DESCRIPTION_KEYS)
  const owner = ownerOf(root.get('team'))
  const domain = tag(root.get('domain'), 'domain', '"domain: <name>"')
  const eventType = eventTypeOf(custom)
  const costCenter = custom.text('weir.costCenter')
  if (costCenter !== undefined && !TAG.test(costCenter)) {
    custom.node('weir.costCenter').problem(tagProblem('weir.costCenter', costCenter))
  }
  const limits = limitsOf(root, custom)
  const facts = {
    product,
    version,
    owner,
    domain,
    eventType,
    costCenter,
    eventTime: eventTime?.field.name,
    partitionKey: partitionKey?.field.name,
  }
  if (!isComplete(facts)) return undefined
  return {
    ...facts,
    ...limits,
    description: description.get('purpose').text('purpose') ?? '',
    dataClassification: strongestClassification(custom, fields),
    fields: fields.map((one) => one.field),
    rowRules,
    partitioning: partitioningOf(fields),
  }
}

function isComplete<Facts extends Record<string, string | undefined>>(
  facts: Facts,
): facts is Facts & { [Name in keyof Facts]: string } {
  return Object.values(facts).every((fact) => fact !== undefined)
}

function expectHead(root: DocumentNode): void {
  for (const [key, expected] of [
    ['apiVersion', 'v3.1.0'],
    ['kind', 'DataContract'],
  ] as const) {
    const node = root.get(key)
    if (node.value === expected) continue
    const found = node.value === undefined ? 'missing' : shown(node.value)
    node.problem(`${key} is ${found}: write "${key}: ${expected}"`)
  }
  root.get('id').requiredText('id', 'one that never changes, such as "id: urn:data-contract:trips"')
  root.get('status').requiredText('status', '"status: active"')
}

function productName(node: DocumentNode): string | undefined {
  const name = node.requiredText('dataProduct', '"dataProduct: <name>", the name of the folder')
  if (name === undefined || /^[a-z][a-z0-9_]{0,47}$/.test(name)) return name
  return node.problem(
    `${shown(name)} cannot name a data product: write a small letter, then small letters, digits and _, at most 48 in all`,
  )
}

function versionOf(node: DocumentNode): string | undefined {
  const advice = "write major.minor.patch in quotes, such as '1.0.0'"
  if (node.value === undefined) return node.problem(`version is missing: ${advice}`)
  if (typeof node.value === 'string' && VERSION.test(node.value)) return node.value
  return node.problem(`${shown(node.value)} is no version: ${advice}`)
}

function onlySchema(node: DocumentNode, product: string | undefined): DocumentNode | undefined {
  const schemas = node.items('schema')
  if (schemas.length !== 1) {
    return node.problem(
      `a data product has one table, so schema has one object, not ${schemas.length}: make a product of each`,
    )
  }
  const schema = schemas[0]!
  if (!schema.object('a schema', SCHEMA_KEYS)) return undefined
  const name = schema.get('name').requiredText('the name of the schema', `"name: ${product}"`)
  if (name !== undefined && product !== undefined && name !== product) {
    schema.get('name').problem(`the table is named as the data product: write "name: ${product}"`)
  }
  return schema
}

function fieldsOf(schema: DocumentNode): CompiledField[] {
  const nodes = schema.get('properties').items('properties')
  if (nodes.length === 0) schema.problem('a schema needs properties: add at least one field')
  if (nodes.length > MAX_FIELDS) {
    schema
      .get('properties')
      .problem(
        `a contract has at most ${MAX_FIELDS} fields, this one ${nodes.length}: split the product`,
      )
    return []
  }
  return compileFields(nodes)
}

function fieldNamed(
  custom: CustomProperties,
  property: WeirPropertyName,
  fields: readonly CompiledField[],
): CompiledField | undefined {
  const name = custom.text(property)
  if (name === undefined || fields.length === 0) return undefined
  const found = fields.find((one) => one.field.name === name)
  if (found === undefined) {
    return custom
      .node(property)
      .problem(`${property} names no field of this contract: ${shown(name)}`)
  }
  if (!found.field.required) {
    custom
      .node(property)
      .problem(`${property} must always have a value: add "required: true" to "${name}"`)
  }
  return found
}

function ownerOf(team: DocumentNode): string | undefined {
  if (Array.isArray(team.value)) {
    return team.problem(
      'a bare list of members names no team: write "team:" with "name:" and "members:"',
    )
  }
  return tag(team.get('name'), 'the name of the team (the owner)', '"team:" with "name: <team>"')
}

function eventTypeOf(custom: CustomProperties): string | undefined {
  const text = custom.text('weir.eventType')
  if (text === undefined || /^[A-Za-z0-9][A-Za-z0-9._:/-]{0,255}$/.test(text)) return text
  return custom
    .node('weir.eventType')
    .problem(
      `an event type is letters, digits and . _ : / - such as com.example.order.placed, not ${shown(text)}`,
    )
}

function tag(node: DocumentNode, what: string, add: string): string | undefined {
  const text = node.requiredText(what, add)
  if (text === undefined || TAG.test(text)) return text
  return node.problem(tagProblem(what, text))
}

function tagProblem(what: string, text: string): string {
  return `${what} becomes a tag: write at most 128 letters, digits, spaces and _ . : / = + @ -, not ${shown(text)}`
}

function partitioningOf(fields: readonly CompiledField[]): Contract['partitioning'] {
  const partitioned = fields.filter((one) => one.partitionPosition !== undefined)
  partitioned.sort((a, b) => a.partitionPosition! - b.partitionPosition!)
  return partitioned.map(({ field, node }) => {
    const { kind } = field.type
    if (kind === 'double') node.problem('a double cannot partition a table: choose another field')
    return {
      field: field.name,
      transform: kind === 'timestamp' || kind === 'date' ? 'day' : 'identity',
    }
  })
}
