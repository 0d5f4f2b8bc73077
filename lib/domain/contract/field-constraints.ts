import type { Constraints, FieldType } from './contract.ts'
import type { CustomProperties } from './custom-properties.ts'
import { decimalText } from './decimal-text.ts'
import { type DocumentNode, isObject, shown } from './document-node.ts'
import type { CompiledType } from './field-type.ts'
import { compilePattern } from './pattern.ts'
import { compareScalars, readLiteral } from './scalar.ts'
import { isStringFormat, STRING_FORMATS } from './string-format.ts'

const BOUNDS = ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum']
const OPTIONS: Readonly<Record<FieldType['kind'], readonly string[]>> = {
  string: ['minLength', 'maxLength', 'pattern', 'format'],
  boolean: [],
  int: [...BOUNDS, 'format', 'multipleOf'],
  long: [...BOUNDS, 'format', 'multipleOf'],
  double: [...BOUNDS, 'format', 'multipleOf'],
  decimal: [...BOUNDS, 'format', 'multipleOf'],
  date: [...BOUNDS, 'format'],
  timestamp: [...BOUNDS, 'format', 'timezone', 'defaultTimezone'],
  time: [...BOUNDS, 'format', 'timezone', 'defaultTimezone'],
  struct: [],
  list: ['minItems', 'maxItems', 'uniqueItems'],
}
export const MAX_VALUES = 1_000
export const MAX_ITEMS = 1_048_576

/** Reads what the options, the own properties and the quality rules of a field demand of each value. */
export function readConstraints(
  field: DocumentNode,
  compiled: CompiledType,
  custom: CustomProperties,
): Constraints {
  const { type } = compiled
  const options = field.get('logicalTypeOptions')
  options.object(`logicalTypeOptions of a ${type.kind}`, OPTIONS[type.kind])
  const values = validValues(field, type)
  if (!NUMBERS.includes(type.kind)) refuseExactBounds(custom, type)
  switch (type.kind) {
    case 'struct':
      return values
    case 'list':
      return { ...listConstraints(options), ...values }
    case 'string':
      return { ...stringConstraints(options), ...values }
    default:
      return {
        ...boundConstraints(options, compiled, custom),
        ...multipleOf(options.get('multipleOf'), type),
        ...values,
      }
  }
}

const NUMBERS: readonly FieldType['kind'][] = ['int', 'long', 'double', 'decimal']

function refuseExactBounds(custom: CustomProperties, type: FieldType): void {
  for (const name of ['weir.minimum', 'weir.maximum'] as const) {
    if (custom.has(name))
      custom.node(name).problem(`${name} is for numbers, not for a ${type.kind}`)
  }
}

function listConstraints(options: DocumentNode): Constraints {
  const minItems = options.get('minItems').integer('minItems', 0, MAX_ITEMS)
  const maxItems = options.get('maxItems').integer('maxItems', 0, MAX_ITEMS)
  if (minItems !== undefined && maxItems !== undefined && minItems > maxItems) {
    options.get('minItems').problem(`minItems ${minItems} is above maxItems ${maxItems}`)
  }
  const isUnique = options.get('uniqueItems').boolean('uniqueItems') === true
  return {
    ...(minItems === undefined ? {} : { minItems }),
    ...(maxItems === undefined ? {} : { maxItems }),
    ...(isUnique ? { uniqueItems: true } : {}),
  }
}

/** Decided on unscaled integers, so never on a double. */
function multipleOf(node: DocumentNode, type: FieldType): Constraints {
  const { value } = node
  if (value === undefined) return {}
  if (type.kind === 'double') {
    node.problem('a double is no exact multiple of anything: remove multipleOf, or use a decimal')
    return {}
  }
  const reading = typeof value === 'number' ? readLiteral(type, String(value)) : undefined
  if (reading !== undefined && 'value' in reading && (reading.value as bigint) > 0n) {
    return { multipleOf: String(value) }
  }
  node.problem(`multipleOf must be a value of this field above zero, not ${shown(value)}`)
  return {}
}

function stringConstraints(options: DocumentNode): Constraints {
  const format = options.get('format').text('format')
  if (format !== undefined && !isStringFormat(format)) {
    const advice = format.startsWith('date') ? ', or "logicalType: timestamp"' : ''
    options
      .get('format')
      .problem(
        `the format of a string is ${Object.keys(STRING_FORMATS).join(', ')}, not ${shown(format)}: state a pattern${advice}`,
      )
  }
  const minLength = options.get('minLength').integer('minLength', 0, 1_048_576)
  const maxLength = options.get('maxLength').integer('maxLength', 0, 1_048_576)
  if (minLength !== undefined && maxLength !== undefined && minLength > maxLength) {
    options.get('minLength').problem(`minLength ${minLength} is above maxLength ${maxLength}`)
  }
  const pattern = checkedPattern(options.get('pattern'))
  return {
    ...(minLength === undefined ? {} : { minLength }),
    ...(maxLength === undefined ? {} : { maxLength }),
    ...(pattern === undefined ? {} : { pattern }),
    ...(format !== undefined && isStringFormat(format) ? { format } : {}),
  }
}

function checkedPattern(node: DocumentNode): string | undefined {
  const text = node.text('pattern')
  if (text === undefined) return undefined
  const compiled = compilePattern(text)
  return compiled.ok ? text : node.problem(compiled.problem)
}

function boundConstraints(
  options: DocumentNode,
  compiled: CompiledType,
  custom: CustomProperties,
): Constraints {
  const minimum = bound(options, compiled, 'minimum', custom)
  const maximum = bound(options, compiled, 'maximum', custom)
  if (minimum !== undefined && maximum !== undefined) {
    if (order(compiled.type, minimum, maximum) > 0) {
      options.problem(`no value lies between the minimum ${minimum} and the maximum ${maximum}`, {
        atKey: true,
      })
    }
  }
  return {
    ...(minimum === undefined ? {} : { minimum }),
    ...(maximum === undefined ? {} : { maximum }),
  }
}

/** The tightest of the inclusive bound, the exclusive one and the one that the type implies. */
function bound(
  options: DocumentNode,
  compiled: CompiledType,
  side: 'minimum' | 'maximum',
  custom: CustomProperties,
): string | undefined {
  const exclusive = side === 'minimum' ? 'exclusiveMinimum' : 'exclusiveMaximum'
  const stated = [
    boundText(options.get(side), compiled.type, 0n),
    boundText(options.get(exclusive), compiled.type, side === 'minimum' ? 1n : -1n),
    exactBound(custom, `weir.${side}`, compiled.type),
    compiled[side],
  ].filter((text) => text !== undefined)
  stated.sort((a, b) => order(compiled.type, a, b))
  return side === 'minimum' ? stated.at(-1) : stated[0]
}

/** A bound as text: what has more digits than a document's number keeps. */
function exactBound(
  custom: CustomProperties,
  name: 'weir.minimum' | 'weir.maximum',
  type: FieldType,
): string | undefined {
  const text = custom.has(name) ? custom.text(name) : undefined
  if (text === undefined || 'value' in readLiteral(type, text)) return text
  return custom.node(name).problem(`${shown(text)} is no value of this field's type`)
}

function boundText(node: DocumentNode, type: FieldType, step: bigint): string | undefined {
  const { value } = node
  if (value === undefined) return undefined
  const example = TIME_EXAMPLES[type.kind]
  if (typeof value !== (example === undefined ? 'number' : 'string')) {
    return node.problem(
      example === undefined
        ? `a bound is a number, not ${shown(value)}`
        : `a bound is a text such as '${example}', not ${shown(value)}`,
    )
  }
  const literal = String(value)
  if (typeof value === 'number' && literal.replace(/e.*|\D/g, '').length > 15) {
    return node.problem(
      'a bound with more than 15 digits is not exact as a number: write it as the text of weir.minimum or weir.maximum',
    )
  }
  const reading = readLiteral(type, literal)
  if ('problem' in reading) {
    return node.problem(`${shown(value)} is no value of this field's type (${reading.problem})`)
  }
  if (step === 0n) return literal
  if (typeof reading.value !== 'bigint' || type.kind === 'timestamp') {
    return node.problem(`a ${type.kind} has no exclusive bound: write the inclusive one`)
  }
  return decimalText(reading.value + step, type.kind === 'decimal' ? type.scale : 0)
}

/** Types whose bounds are texts. */
const TIME_EXAMPLES: Readonly<Partial<Record<FieldType['kind'], string>>> = {
  date: '2019-01-01',
  time: '08:30:00',
  timestamp: '2019-01-01 00:00:00',
}

function order(type: FieldType, left: string, right: string): number {
  const [a, b] = [readLiteral(type, left), readLiteral(type, right)]
  return 'value' in a && 'value' in b ? compareScalars(a.value, b.value) : 0
}

/**
 * An enumeration, as ODCS states it: `metric: invalidValues` that `mustBe: 0`, with `validValues`. Any other
 * quality rule of a field is about many rows, not about one, and is not decided here.
 */
function validValues(field: DocumentNode, type: FieldType): Constraints {
  for (const rule of field.get('quality').items('quality')) {
    if (!rule.object('a quality rule')) continue
    if (rule.get('engine').value === 'weir') {
      rule.problem('a rule for engine weir belongs into the quality of the schema: move it there', {
        atKey: true,
      })
    }
    if (rule.get('metric').value !== 'invalidValues' || rule.get('mustBe').value !== 0) continue
    const list = rule.get('arguments').get('validValues')
    if (list.isAbsent || !isObject(rule.get('arguments').value)) continue
    const members = list.items('validValues')
    if (members.length === 0 || members.length > MAX_VALUES) {
      list.problem(`validValues has 1 to ${MAX_VALUES} members, not ${members.length}`)
    }
    const values = members.slice(0, MAX_VALUES).flatMap((member) => memberOf(member, type))
    return { values }
  }
  return {}
}

function memberOf(member: DocumentNode, type: FieldType): (string | number)[] {
  const { value } = member
  const isText = type.kind === 'string' || TIME_EXAMPLES[type.kind] !== undefined
  const isScalar = !['boolean', 'struct', 'list'].includes(type.kind)
  const fits = isScalar && typeof value === (isText ? 'string' : 'number')
  if (fits && 'value' in readLiteral(type, String(value))) return [value as string | number]
  const advice = typeof value === 'boolean' && isText ? ': put it in quotes' : ''
  member.problem(`${shown(value ?? null)} is no value of a ${type.kind}${advice}`)
  return []
}
