import type { Constraints, FieldType } from './contract.ts'
import { decimalText } from './decimal-text.ts'
import { type DocumentNode, isObject, shown } from './document-node.ts'
import type { CompiledType } from './field-type.ts'
import { compilePattern } from './pattern.ts'
import { compareScalars, readLiteral } from './scalar.ts'

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
}
const MAX_VALUES = 1_000

/** Reads what the options and the quality rules of a field demand of each value. */
export function readConstraints(field: DocumentNode, compiled: CompiledType): Constraints {
  const { type } = compiled
  const options = field.get('logicalTypeOptions')
  options.object(`logicalTypeOptions of a ${type.kind}`, OPTIONS[type.kind])
  if (!options.get('multipleOf').isAbsent) {
    options.get('multipleOf').problem('multipleOf is not supported: remove it', { atKey: true })
  }
  if (type.kind === 'string') return { ...stringConstraints(options), ...validValues(field, type) }
  return { ...boundConstraints(options, compiled), ...validValues(field, type) }
}

function stringConstraints(options: DocumentNode): Constraints {
  const format = options.get('format')
  if (!format.isAbsent) {
    format.problem('the format of a string is not checked: remove it and state a pattern', {
      atKey: true,
    })
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
  }
}

function checkedPattern(node: DocumentNode): string | undefined {
  const text = node.text('pattern')
  if (text === undefined) return undefined
  const compiled = compilePattern(text)
  return compiled.ok ? text : node.problem(compiled.problem)
}

function boundConstraints(options: DocumentNode, compiled: CompiledType): Constraints {
  const minimum = bound(options, compiled, 'minimum')
  const maximum = bound(options, compiled, 'maximum')
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
): string | undefined {
  const exclusive = side === 'minimum' ? 'exclusiveMinimum' : 'exclusiveMaximum'
  const stated = [
    boundText(options.get(side), compiled.type, 0n),
    boundText(options.get(exclusive), compiled.type, side === 'minimum' ? 1n : -1n),
    compiled[side],
  ].filter((text) => text !== undefined)
  stated.sort((a, b) => order(compiled.type, a, b))
  return side === 'minimum' ? stated.at(-1) : stated[0]
}

function boundText(node: DocumentNode, type: FieldType, step: bigint): string | undefined {
  const { value } = node
  if (value === undefined) return undefined
  const isTime = type.kind === 'date' || type.kind === 'timestamp'
  if (typeof value !== (isTime ? 'string' : 'number')) {
    return node.problem(
      isTime
        ? `a bound is a text such as ${type.kind === 'date' ? "'2019-01-01'" : "'2019-01-01 00:00:00'"}, not ${shown(value)}`
        : `a bound is a number, not ${shown(value)}`,
    )
  }
  const literal = String(value)
  if (typeof value === 'number' && literal.replace(/e.*|\D/g, '').length > 15) {
    return node.problem('a bound with more than 15 digits is not exact in a document: round it')
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
  const isText = type.kind === 'string' || type.kind === 'date' || type.kind === 'timestamp'
  const fits = typeof value === (isText ? 'string' : 'number') && type.kind !== 'boolean'
  if (fits && 'value' in readLiteral(type, String(value))) return [value as string | number]
  const advice = typeof value === 'boolean' && isText ? ': put it in quotes' : ''
  member.problem(`${shown(value ?? null)} is no value of a ${type.kind}${advice}`)
  return []
}
