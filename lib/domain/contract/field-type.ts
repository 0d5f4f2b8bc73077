import { isTimeZone } from '#lib/domain/kernel/local-time.ts'
import type { Field, FieldType } from './contract.ts'
import { type DocumentNode, shown } from './document-node.ts'

/** A field's type, and the bounds that the type itself implies (an 8-bit integer's, say). */
export interface CompiledType {
  readonly type: FieldType
  readonly minimum?: string
  readonly maximum?: string
}

const INTEGERS: Readonly<Record<string, CompiledType>> = {
  i8: { type: { kind: 'int' }, minimum: '-128', maximum: '127' },
  u8: { type: { kind: 'int' }, minimum: '0', maximum: '255' },
  i16: { type: { kind: 'int' }, minimum: '-32768', maximum: '32767' },
  u16: { type: { kind: 'int' }, minimum: '0', maximum: '65535' },
  i32: { type: { kind: 'int' } },
  u32: { type: { kind: 'long' }, minimum: '0', maximum: '4294967295' },
  i64: { type: { kind: 'long' } },
}

/** Physical types that say the same as the logical one; any other is a contradiction. */
const PHYSICAL: Readonly<Record<FieldType['kind'], readonly string[]>> = {
  string: ['string', 'varchar', 'text'],
  int: ['int', 'integer'],
  long: ['long', 'bigint'],
  double: ['double'],
  boolean: ['boolean'],
  date: ['date'],
  timestamp: ['timestamptz', 'timestamp'],
  time: ['string', 'varchar', 'text'],
  struct: ['struct', 'object'],
  list: ['list', 'array'],
  decimal: [],
}

/** How what an object or an array holds is compiled: by whoever compiles fields. */
export interface NestedCompiler {
  fields(nodes: readonly DocumentNode[]): readonly Field[]
  element(node: DocumentNode): Field | undefined
}

/** Reads `logicalType`, `physicalType` and the options that decide a type; notes what is wrong. */
export function readFieldType(
  field: DocumentNode,
  nested: NestedCompiler,
): CompiledType | undefined {
  const logical = field.get('logicalType')
  const name = logical.requiredText('logicalType', '"logicalType: string" or another type')
  if (name === undefined) return undefined
  const options = field.get('logicalTypeOptions')
  const compiled = typeOf(name, logical, field, options, nested)
  if (compiled !== undefined) checkPhysicalType(field.get('physicalType'), compiled.type)
  return compiled
}

function typeOf(
  name: string,
  logical: DocumentNode,
  field: DocumentNode,
  options: DocumentNode,
  nested: NestedCompiler,
): CompiledType | undefined {
  refuseMembers(name, field)
  switch (name) {
    case 'string':
    case 'boolean':
      return { type: { kind: name } }
    case 'date':
      checkFormat(options, ['yyyy-MM-dd'])
      return { type: { kind: 'date' } }
    case 'integer':
      return integerType(options)
    case 'number':
      return numberType(field, options)
    case 'timestamp':
      return timestampType(options)
    case 'time':
      return timeType(options)
    case 'object':
      return structType(field, nested)
    case 'array':
      return listType(field, nested)
    default:
      return logical.problem(
        `there is no logicalType ${shown(name)}: write string, date, time, timestamp, number, integer, boolean, object or array`,
      )
  }
}

/** `properties` at what is no object would be ignored, and `items` at what is no array. */
function refuseMembers(name: string, field: DocumentNode): void {
  for (const [key, owner] of [
    ['properties', 'object'],
    ['items', 'array'],
  ] as const) {
    if (name === owner || field.get(key).isAbsent) continue
    field.get(key).problem(`only an ${owner} has ${key}: write "logicalType: ${owner}"`, {
      atKey: true,
    })
  }
}

function structType(field: DocumentNode, nested: NestedCompiler): CompiledType | undefined {
  const nodes = field.get('properties').items('properties')
  if (nodes.length === 0) {
    return field.problem('an object states its properties: add "properties:" with at least one', {
      atKey: true,
    })
  }
  const fields = nested.fields(nodes)
  return fields.length < nodes.length ? undefined : { type: { kind: 'struct', fields } }
}

function listType(field: DocumentNode, nested: NestedCompiler): CompiledType | undefined {
  const items = field.get('items')
  if (items.isAbsent) {
    return field.problem('an array states what its items are: add "items:" with a logicalType', {
      atKey: true,
    })
  }
  const element = nested.element(items)
  return element === undefined ? undefined : { type: { kind: 'list', element } }
}

function timeType(options: DocumentNode): CompiledType | undefined {
  checkFormat(options, ['HH:mm:ss'])
  const zone = options.get('defaultTimezone')
  if (options.get('timezone').boolean('timezone') === true || !zone.isAbsent) {
    return options.problem(
      'a time of day is of no zone: write "timezone: false" and no defaultTimezone, or a timestamp',
      { atKey: true },
    )
  }
  return { type: { kind: 'time' } }
}

function integerType(options: DocumentNode): CompiledType | undefined {
  const format = options.get('format')
  const name = format.text('format') ?? 'i32'
  const type = Object.hasOwn(INTEGERS, name) ? INTEGERS[name] : undefined
  return (
    type ??
    format.problem(
      `an integer's format is ${Object.keys(INTEGERS).join(', ')}, not ${shown(name)}: i64 is the widest`,
    )
  )
}

function numberType(field: DocumentNode, options: DocumentNode): CompiledType | undefined {
  const physical = field.get('physicalType')
  const text = physical.text('physicalType')?.toLowerCase()
  const format = options.get('format').text('format')
  if (text === undefined && format === undefined) {
    return field.problem(
      'a number must say how it is kept: add "physicalType: decimal(10, 2)" (exact, precision up to 18) or "physicalType: double"',
      { atKey: true },
    )
  }
  if (text === undefined || text === 'double') {
    if (format === undefined || format === 'f64') return { type: { kind: 'double' } }
    return options.get('format').problem(`a double's format is f64, not ${shown(format)}`)
  }
  const match = /^(?:decimal|numeric)\(\s*(\d{1,2})\s*(?:,\s*(\d{1,2})\s*)?\)$/.exec(text)
  const [precision, scale] = [Number(match?.[1]), Number(match?.[2] ?? 0)]
  if (match === null || precision < 1 || precision > 18 || scale > precision) {
    return physical.problem(
      `a number is decimal(precision, scale) with a precision from 1 to 18, or double, not ${shown(text)}`,
    )
  }
  if (format !== undefined) {
    return options.get('format').problem('a decimal has no format: remove it, or the physicalType')
  }
  return { type: { kind: 'decimal', precision, scale } }
}

function timestampType(options: DocumentNode): CompiledType | undefined {
  const hasZone = options.get('timezone').boolean('timezone') ?? true
  const zoneNode = options.get('defaultTimezone')
  const zone = zoneNode.text('defaultTimezone')
  if (hasZone) {
    checkFormat(options, ["yyyy-MM-dd'T'HH:mm:ssXXX"])
    if (zone === undefined) return { type: { kind: 'timestamp' } }
    return zoneNode.problem(
      'defaultTimezone is for times without an offset: add "timezone: false", or remove it',
    )
  }
  checkFormat(options, ['yyyy-MM-dd HH:mm:ss', "yyyy-MM-dd'T'HH:mm:ss"])
  const localZone = zone ?? 'Etc/UTC' // as ODCS has it
  if (isTimeZone(localZone)) return { type: { kind: 'timestamp', localZone } }
  return zoneNode.problem(
    `${shown(localZone)} is no time zone: write a name of the IANA database such as Europe/Berlin`,
  )
}

function checkFormat(options: DocumentNode, allowed: readonly string[]): void {
  const format = options.get('format')
  const text = format.text('format')
  if (text === undefined || allowed.includes(text)) return
  format.problem(
    `only the format ${allowed.join(' or ')} is read, not ${shown(text)}: write that or remove it`,
  )
}

function checkPhysicalType(physical: DocumentNode, type: FieldType): void {
  const text = physical.text('physicalType')?.toLowerCase()
  const names = PHYSICAL[type.kind]
  if (text === undefined || names.length === 0) return
  if (
    names.includes(text.replace(/\(\s*\d+\s*\)$/, '')) &&
    (type.kind === 'string' || !text.includes('('))
  )
    return
  const hint =
    type.kind === 'int' && PHYSICAL.long.includes(text)
      ? ', or add logicalTypeOptions "format: i64"'
      : ''
  physical.problem(
    `the logical type is kept as ${names[0]}, which ${shown(text)} contradicts: write "physicalType: ${names[0]}"${hint}, or remove it`,
  )
}
