import { PlatformError } from '#lib/domain/kernel/errors.ts'
import type { JsonValue } from '#lib/domain/kernel/json.ts'
import { CLASSIFICATIONS, type CompiledField, compileFields } from './compile-field.ts'
import type { Contract, RowRule } from './contract.ts'
import { type CustomProperties, readCustomProperties } from './custom-properties.ts'
import { DocumentNode, type DocumentProblem, shown, TooManyProblems } from './document-node.ts'
import { refuseForeignContent } from './foreign-content.ts'
import { parseRowRule, RULE_GRAMMAR } from './row-rule.ts'
import type { WeirPropertyName } from './weir-properties.ts'

export const MAX_FIELDS = 2_000
const DEFAULT_FRESHNESS_SECONDS = 5
const MAX_FRESHNESS_SECONDS = 300
const MINUTES_PER_DAY = 1440
const TOP_KEYS = [
  'version', 'kind', 'apiVersion', 'id', 'name', 'tenant', 'tags', 'status', 'servers',
  'dataProduct', 'description', 'domain', 'schema', 'support', 'price', 'team', 'roles',
  'slaDefaultElement', 'slaProperties', 'authoritativeDefinitions', 'customProperties',
  'contractCreatedTs',
]
const SCHEMA_KEYS = [
  'id', 'name', 'physicalType', 'description', 'businessName', 'authoritativeDefinitions', 'tags',
  'customProperties', 'logicalType', 'physicalName', 'dataGranularityDescription', 'properties',
  'relationships', 'quality',
]
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
  const lines = compilation.problems.map((one) => `${one.path.join('.') || 'document'}: ${one.message}`)
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
  if (root.isAbsent || !root.object('a contract', TOP_KEYS)) {
    return root.problem('the document is empty: write an ODCS v3.1.0 data contract')
  }
  expectHead(root)
  const product = productName(root.get('dataProduct'))
  const version = versionOf(root.get('version'))
  const custom = readCustomProperties(root, 'contract')
  const schema = onlySchema(root.get('schema'), product)
  const fields = schema === undefined ? [] : fieldsOf(schema)
  const rowRules = schema === undefined ? [] : rowRulesOf(schema, fields)
  const eventTime = fieldNamed(custom, 'weir.eventTime', fields)
  if (eventTime !== undefined && eventTime.field.type.kind !== 'timestamp') {
    custom.node('weir.eventTime').problem(
      `event time is a timestamp, and "${eventTime.field.name}" is a ${eventTime.field.type.kind}: name another field`,
    )
  }
  const partitionKey = fieldNamed(custom, 'weir.partitionKey', fields)
  const description = root.get('description')
  description.object('description', [
    'usage', 'purpose', 'limitations', 'authoritativeDefinitions', 'customProperties',
  ])
  const owner = ownerOf(root.get('team'))
  const domain = tag(root.get('domain'), 'domain', '"domain: <name>"')
  const eventType = eventTypeOf(custom)
  const costCenter = custom.text('weir.costCenter')
  if (costCenter !== undefined && !TAG.test(costCenter)) {
    custom.node('weir.costCenter').problem(tagProblem('weir.costCenter', costCenter))
  }
  const limits = limitsOf(root, custom)
  const facts = {
    product, version, owner, domain, eventType, costCenter,
    eventTime: eventTime?.field.name,
    partitionKey: partitionKey?.field.name,
  }
  if (!isComplete(facts)) return undefined
  return {
    ...facts,
    ...limits,
    description: description.get('purpose').text('purpose') ?? '',
    dataClassification: strongest(custom, fields),
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
  const version = node.requiredText('version', "\"version: '1.0.0'\"")
  if (version === undefined || /^(0|[1-9]\d{0,5})(\.(0|[1-9]\d{0,5})){2}$/.test(version)) {
    return version
  }
  return node.problem(`a version is major.minor.patch such as '1.0.0', not ${shown(version)}`)
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
    schema.get('properties').problem(
      `a contract has at most ${MAX_FIELDS} fields, this one ${nodes.length}: split the product`,
    )
    return []
  }
  return compileFields(nodes)
}

function rowRulesOf(schema: DocumentNode, fields: readonly CompiledField[]): RowRule[] {
  const rules: RowRule[] = []
  for (const node of schema.get('quality').items('quality')) {
    if (!node.object('a quality rule') || node.get('engine').value !== 'weir') continue
    if (node.get('type').value !== 'custom') {
      node.get('type').problem('a rule for engine weir is of type custom: write "type: custom"')
    }
    const name = node.get('name').requiredText('the name of a rule', '"name: <rule>"')
    const text = node.get('implementation').requiredText('the rule', `"implementation: ${RULE_GRAMMAR}"`)
    if (name === undefined || text === undefined) continue
    if (!/^[a-z][a-z0-9_]{0,62}$/.test(name) || rules.some((rule) => rule.name === name)) {
      node.get('name').problem(`${shown(name)} cannot name a rule: write small letters, digits and _, each name once`)
      continue
    }
    const parsed = parseRowRule(name, text, fields.map((one) => one.field))
    if (parsed.ok) rules.push(parsed.rule)
    else node.get('implementation').problem(parsed.problem)
  }
  return rules
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
    return custom.node(property).problem(`${property} names no field of this contract: ${shown(name)}`)
  }
  if (!found.field.required) {
    custom.node(property).problem(`${property} must always have a value: add "required: true" to "${name}"`)
  }
  return found
}

function ownerOf(team: DocumentNode): string | undefined {
  if (Array.isArray(team.value)) {
    return team.problem('a bare list of members names no team: write "team:" with "name:" and "members:"')
  }
  return tag(team.get('name'), 'the name of the team (the owner)', '"team:" with "name: <team>"')
}

function eventTypeOf(custom: CustomProperties): string | undefined {
  const text = custom.text('weir.eventType')
  if (text === undefined || /^[A-Za-z0-9][A-Za-z0-9._:/-]{0,255}$/.test(text)) return text
  return custom.node('weir.eventType').problem(
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
    return { field: field.name, transform: kind === 'timestamp' || kind === 'date' ? 'day' : 'identity' }
  })
}

/** The strongest classification of any field; that of the contract stands for fields without one. */
function strongest(custom: CustomProperties, fields: readonly CompiledField[]): string {
  const general = custom.text('weir.dataClassification')!
  const known = CLASSIFICATIONS.slice(0, -1)
  if (!known.includes(general)) {
    custom.node('weir.dataClassification').problem(
      `weir.dataClassification is ${known.join(', ')}, not ${shown(general)}`,
    )
  }
  const ranks = fields.map(({ classification, field }) => {
    const own = field.personal ? 'restricted' : (classification ?? general)
    return known.indexOf(own === 'personal' ? 'restricted' : own)
  })
  return known[Math.max(0, known.indexOf(general) * (fields.some((one) => one.classification === undefined) ? 1 : 0), ...ranks)]!
}

function limitsOf(
  root: DocumentNode,
  custom: CustomProperties,
): Pick<Contract, 'tier' | 'stream' | 'retention' | 'dedupHorizonMinutes' | 'maxFutureSkewMinutes'> {
  const number = (name: WeirPropertyName) => custom.integer(name)!
  const tier = number('weir.tier') as Contract['tier']
  const retentionHours = number('weir.streamRetentionHours')
  if (tier === 1 && retentionHours < 168) {
    custom.node('weir.streamRetentionHours').problem(
      'a tier 1 stream keeps records for a week at least: write 168 or more',
    )
  }
  const dedupHorizonMinutes = number('weir.dedupHorizonMinutes')
  const rawDays = number('weir.rawRetentionDays')
  const leastDays = 30 + Math.ceil(dedupHorizonMinutes / MINUTES_PER_DAY)
  if (rawDays < leastDays) {
    custom.node('weir.rawRetentionDays').problem(
      `raw outlives the dedup horizon by 30 days: write ${leastDays} or more`,
    )
  }
  return {
    tier,
    stream: { shards: number('weir.shards'), retentionHours, freshnessSeconds: freshnessOf(root) },
    dedupHorizonMinutes,
    maxFutureSkewMinutes: number('weir.maxFutureSkewMinutes'),
    retention: {
      rawDays,
      quarantineDays: number('weir.quarantineRetentionDays'),
      undecodableDays: number('weir.undecodableRetentionDays'),
    },
  }
}

/** Freshness is ODCS's own `latency`. */
function freshnessOf(root: DocumentNode): number {
  for (const sla of root.get('slaProperties').items('slaProperties')) {
    if (!sla.object('an SLA property') || sla.get('property').value !== 'latency') continue
    const unit = sla.get('unit').value ?? 's'
    const factor = ['s', 'sec', 'second', 'seconds'].includes(unit as string)
      ? 1
      : ['m', 'min', 'minute', 'minutes'].includes(unit as string)
        ? 60
        : undefined
    if (factor === undefined) {
      sla.get('unit').problem(`the unit of latency is s or min, not ${shown(unit)}`)
      continue
    }
    const value = sla.get('value').integer('latency', 1, MAX_FRESHNESS_SECONDS / factor)
    return (value ?? DEFAULT_FRESHNESS_SECONDS) * factor
  }
  return DEFAULT_FRESHNESS_SECONDS
}
