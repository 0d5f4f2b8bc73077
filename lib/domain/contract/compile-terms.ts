import type { CompiledField } from './compile-field.ts'
import type { CustomProperties } from './custom-properties.ts'
import { type DocumentNode, shown } from './document-node.ts'
import { isVersion, majorOf } from './version.ts'
import type { WeirPropertyName } from './weir-properties.ts'

/** What AWS allows in the value of a tag. */
const TAG = /^[A-Za-z0-9 _.:/=+@-]{1,128}$/

export function productName(node: DocumentNode): string | undefined {
  const name = node.requiredText('dataProduct', '"dataProduct: <name>", the name of the folder')
  if (name === undefined || /^[a-z][a-z0-9_]{0,47}$/.test(name)) return name
  return node.problem(
    `${shown(name)} cannot name a data product: write a small letter, then small letters, digits and _, at most 48 in all`,
  )
}

export function versionOf(node: DocumentNode): string | undefined {
  const advice = "write major.minor.patch in quotes, such as '1.0.0'"
  if (node.value === undefined) return node.problem(`version is missing: ${advice}`)
  if (typeof node.value === 'string' && isVersion(node.value)) return node.value
  return node.problem(`${shown(node.value)} is no version: ${advice}`)
}

export function fieldNamed(
  custom: CustomProperties,
  property: WeirPropertyName,
  fields: readonly CompiledField[],
  { isOptional = false } = {},
): CompiledField | undefined {
  const name = custom.text(property)
  if (name === undefined || fields.length === 0) return undefined
  const found = fields.find((one) => one.field.name === name)
  if (found === undefined) {
    return custom
      .node(property)
      .problem(`${property} names no field of this contract: ${shown(name)}`)
  }
  if (!found.field.required && !isOptional) {
    custom
      .node(property)
      .problem(`${property} must always have a value: add "required: true" to "${name}"`)
  }
  if (['struct', 'list'].includes(found.field.type.kind)) {
    custom.node(property).problem(`${property} is one value, and "${name}" holds several`)
  }
  return found
}

export function ownerOf(team: DocumentNode): string | undefined {
  if (Array.isArray(team.value)) {
    return team.problem(
      'a bare list of members names no team: write "team:" with "name:" and "members:"',
    )
  }
  return tag(team.get('name'), 'the name of the team (the owner)', '"team:" with "name: <team>"')
}

export function eventTypeOf(custom: CustomProperties): string | undefined {
  const text = custom.text('weir.eventType')
  if (text === undefined || /^[A-Za-z0-9][A-Za-z0-9._:/-]{0,255}$/.test(text)) return text
  return custom
    .node('weir.eventType')
    .problem(
      `an event type is letters, digits and . _ : / - such as com.example.order.placed, not ${shown(text)}`,
    )
}

/** A subject has a key of its own, found by the field's value: so that is a text or a whole number. */
export function subjectOf(
  custom: CustomProperties,
  fields: readonly CompiledField[],
): string | undefined {
  if (!custom.has('weir.subject')) return undefined
  const field = fieldNamed(custom, 'weir.subject', fields, { isOptional: true })?.field
  if (field === undefined || ['string', 'int', 'long'].includes(field.type.kind)) return field?.name
  return custom
    .node('weir.subject')
    .problem(`a subject is a string, int or long, and "${field.name}" is a ${field.type.kind}`)
}

export function residencyOf(custom: CustomProperties): readonly string[] | undefined {
  if (!custom.has('weir.residency')) return undefined
  const regions = (custom.text('weir.residency') ?? '').split(',').map((region) => region.trim())
  const wrong = regions.find(
    (region) => !/^[a-z]{2,3}(?:-[a-z]+){0,3}(?:-[a-z]+-\d)?$/.test(region),
  )
  if (wrong === undefined) return [...new Set(regions)].sort()
  return custom
    .node('weir.residency')
    .problem(`${shown(wrong)} is no AWS region: write such as eu, or eu-west-1, eu-central-1`)
}

/** Whether there is a contract of that major is seen where all versions are at hand. */
export function undeclaredMajorOf(
  custom: CustomProperties,
  version: string | undefined,
): number | undefined {
  const major = custom.integer('weir.undeclaredMajor')
  if (major === undefined || version === undefined || major <= majorOf(version)) return major
  return custom
    .node('weir.undeclaredMajor')
    .problem(`weir.undeclaredMajor is at most ${majorOf(version)}, the major of this version`)
}

export function domainOf(node: DocumentNode): string | undefined {
  return tag(node, 'domain', '"domain: <name>"')
}

export function costCenterOf(custom: CustomProperties): string | undefined {
  const text = custom.text('weir.costCenter')
  if (text === undefined || TAG.test(text)) return text
  return custom.node('weir.costCenter').problem(tagProblem('weir.costCenter', text))
}

function tag(node: DocumentNode, what: string, add: string): string | undefined {
  const text = node.requiredText(what, add)
  if (text === undefined || TAG.test(text)) return text
  return node.problem(tagProblem(what, text))
}

function tagProblem(what: string, text: string): string {
  return `${what} becomes a tag: write at most 128 letters, digits, spaces and _ . : / = + @ -, not ${shown(text)}`
}
