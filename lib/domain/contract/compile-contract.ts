import { PlatformError } from '#lib/domain/kernel/errors.ts'
import type { JsonValue } from '#lib/domain/kernel/json.ts'
import { strongestClassification } from './classification.ts'
import { changesOf } from './compile-changes.ts'
import { type CompiledField, compileFields } from './compile-field.ts'
import { limitsOf } from './compile-limits.ts'
import { rowRulesOf } from './compile-rules.ts'
import {
  costCenterOf,
  domainOf,
  eventTypeOf,
  fieldNamed,
  ownerOf,
  productName,
  purposesOf,
  residencyOf,
  subjectOf,
  undeclaredMajorOf,
  versionOf,
} from './compile-terms.ts'
import type { Contract } from './contract.ts'
import { readCustomProperties } from './custom-properties.ts'
import {
  DocumentNode,
  type DocumentProblem,
  isObject,
  shown,
  TooManyProblems,
} from './document-node.ts'
import { countFields } from './field-ids.ts'
import { refuseForeignContent } from './foreign-content.ts'
import { CONTRACT_KEYS, DESCRIPTION_KEYS, SCHEMA_KEYS } from './odcs-keys.ts'

export const MAX_FIELDS = 1_000

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
  const statedFields = schema === undefined ? [] : fieldsOf(schema)
  const changes = changesOf(custom, statedFields)
  const fields = changes?.fields ?? statedFields
  const rowRules = schema === undefined ? [] : rowRulesOf(schema, fields)
  const eventTime = fieldNamed(custom, 'weir.eventTime', fields)
  if (eventTime !== undefined && eventTime.field.type.kind !== 'timestamp') {
    custom
      .node('weir.eventTime')
      .problem(
        `event time is a timestamp, and "${eventTime.field.name}" is a ${eventTime.field.type.kind}: name another field`,
      )
  }
  const partitionKey = fieldNamed(custom, 'weir.partitionKey', statedFields)
  const description = root.get('description')
  description.object('description', DESCRIPTION_KEYS)
  const owner = ownerOf(root.get('team'))
  const domain = domainOf(root.get('domain'))
  const eventType = eventTypeOf(custom)
  const costCenter = costCenterOf(custom)
  const subject = subjectOf(custom, fields)
  const purposes = purposesOf(custom)
  const residency = residencyOf(custom)
  const allowedLatenessSeconds = custom.integer('weir.allowedLatenessSeconds')
  const undeclaredMajor = undeclaredMajorOf(custom, version)
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
    ...stated({
      subject,
      purposes,
      residency,
      allowedLatenessSeconds,
      undeclaredMajor,
      changes: changes?.terms,
    }),
    spread: custom.integer('weir.spread') ?? 1,
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
  const count = countFields(nodes)
  if (count > MAX_FIELDS) {
    schema
      .get('properties')
      .problem(`a contract has at most ${MAX_FIELDS} fields, this one ${count}: split the product`)
    return []
  }
  return compileFields(nodes)
}

/** Only what is there: a property that says nothing is absent. */
function stated<Values extends object>(
  values: Values,
): { [Name in keyof Values]?: NonNullable<Values[Name]> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [Name in keyof Values]?: NonNullable<Values[Name]>
  }
}

function partitioningOf(fields: readonly CompiledField[]): Contract['partitioning'] {
  const partitioned = fields.filter((one) => one.partitionPosition !== undefined)
  partitioned.sort((a, b) => a.partitionPosition! - b.partitionPosition!)
  return partitioned.map(({ field, node }) => {
    const { kind } = field.type
    if (['double', 'struct', 'list'].includes(kind)) {
      node.problem(`a ${kind} cannot partition a table: choose another field`)
    }
    return {
      field: field.name,
      transform: kind === 'timestamp' || kind === 'date' ? 'day' : 'identity',
    }
  })
}
