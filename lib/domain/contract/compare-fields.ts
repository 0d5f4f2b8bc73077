import type { JsonValue } from '#lib/domain/kernel/json.ts'
import { compareConstraints } from './compare-constraints.ts'
import type { Constraints, Field, FieldType } from './contract.ts'
import type { ChangeKind, ContractChange } from './contract-change.ts'
import type { DocumentPath } from './document-node.ts'
import { placeOfCustom, placeOfField, placeOfItem, valueAt } from './document-places.ts'

/** Fields of one version, with the place in its document that holds them. */
export interface PlacedFields {
  readonly document: JsonValue
  /** What has `properties`: the schema, or an object. */
  readonly place: DocumentPath
  readonly fields: readonly Field[]
}

interface PlacedField {
  readonly document: JsonValue
  readonly place: DocumentPath
  readonly field: Field
}

/** The differences between two lists of fields, matched by their ids. `prefix` names what holds them. */
export function compareFields(
  before: PlacedFields,
  after: PlacedFields,
  prefix = '',
): ContractChange[] {
  const was = placed(before)
  const is = placed(after)
  const wasById = new Map(was.map((one) => [one.field.id, one]))
  const isById = new Map(is.map((one) => [one.field.id, one]))
  const changes: ContractChange[] = []
  const renumbered = new Set<PlacedField>()
  for (const now of is) {
    const old = wasById.get(now.field.id)
    const field = `${prefix}${now.field.name}`
    if (old !== undefined) {
      changes.push(...compareField(old, now, field))
      continue
    }
    // The same name under an id of its own: to files it is another column.
    const namesake = was.find((one) => one.field.name === now.field.name)
    if (namesake !== undefined && !isById.has(namesake.field.id)) {
      renumbered.add(namesake)
      changes.push({
        kind: 'fieldIdChanged',
        field,
        message: `weir.fieldId ${now.field.id} was ${namesake.field.id}`,
        before: custom(namesake, 'weir.fieldId'),
        after: custom(now, 'weir.fieldId'),
      })
    } else {
      changes.push({
        kind: now.field.required ? 'requiredFieldAdded' : 'fieldAdded',
        field,
        message: `added ${now.field.required ? 'required' : 'optional'} ${typeText(now.field.type)}`,
        before: placeOfField(before.place, Number.MAX_SAFE_INTEGER),
        after: now.place,
      })
    }
  }
  for (const old of was) {
    if (isById.has(old.field.id) || renumbered.has(old)) continue
    changes.push({
      kind: 'fieldRemoved',
      field: `${prefix}${old.field.name}`,
      message: `removed ${typeText(old.field.type)} with weir.fieldId ${old.field.id}`,
      before: old.place,
      after: placeOfField(after.place, Number.MAX_SAFE_INTEGER),
    })
  }
  return changes
}

function placed({ document, place, fields }: PlacedFields): PlacedField[] {
  return fields.map((field, index) => ({ document, field, place: placeOfField(place, index) }))
}

/** `field` is what the changes call it. */
function compareField(before: PlacedField, after: PlacedField, field: string): ContractChange[] {
  const [was, is] = [before.field, after.field]
  const at = (...keys: readonly string[]) => ({
    before: [...before.place, ...keys],
    after: [...after.place, ...keys],
  })
  const changes: ContractChange[] = []
  const type = typeChange(was.type, is.type)
  if (was.name !== is.name) {
    const reused = type !== undefined && type.kind !== 'typeWidened'
    changes.push({
      kind: reused ? 'fieldIdReused' : 'fieldRenamed',
      field,
      message: `weir.fieldId ${is.id} is "${is.name}" and was "${was.name}"`,
      ...at('name'),
    })
    if (reused) return changes
  }
  if (type !== undefined) {
    const message = `${typeText(is.type)} was ${typeText(was.type)}`
    changes.push({ kind: type.kind, field, message, ...at(...type.keys) })
  }
  if (was.required !== is.required) {
    const kind = is.required ? 'madeRequired' : 'madeOptional'
    const message = `${presence(is)} was ${presence(was)}`
    changes.push({ kind, field, message, ...at('required') })
  }
  if (was.personal !== is.personal) {
    const message = is.personal ? 'became personal' : 'is no longer personal'
    changes.push({ kind: 'personalChanged', field, message, ...at('classification') })
  }
  // Under another type the constraints say another thing: the type's change stands for all.
  if (type === undefined || type.kind === 'typeWidened') {
    for (const { option, message, tightened } of compareConstraints(was, is)) {
      const kind = tightened ? 'constraintTightened' : 'constraintLoosened'
      const place = (one: PlacedField) => placeOfConstraint(one, option)
      changes.push({ kind, field, message, before: place(before), after: place(after) })
    }
  }
  if (was.description !== is.description) {
    const message = 'the description changed'
    changes.push({ kind: 'documentationChanged', field, message, ...at('description') })
  }
  return [...changes, ...compareMembers(before, after, field)]
}

/** What is nested in a field that stayed an object or an array. */
function compareMembers(before: PlacedField, after: PlacedField, field: string): ContractChange[] {
  const [was, is] = [before.field.type, after.field.type]
  if (was.kind === 'struct' && is.kind === 'struct') {
    return compareFields(
      { ...before, fields: was.fields },
      { ...after, fields: is.fields },
      `${field}.`,
    )
  }
  if (was.kind !== 'list' || is.kind !== 'list') return []
  const items = (of: PlacedField, element: Field): PlacedField => ({
    document: of.document,
    place: [...of.place, 'items'],
    field: element,
  })
  const [old, now] = [items(before, was.element), items(after, is.element)]
  if (old.field.id === now.field.id) return compareField(old, now, `${field}[]`)
  const message = `weir.fieldId ${now.field.id} was ${old.field.id}`
  const [at, to] = [custom(old, 'weir.fieldId'), custom(now, 'weir.fieldId')]
  return [{ kind: 'fieldIdChanged', field: `${field}[]`, message, before: at, after: to }]
}

/** Undefined if both are one type. `keys` is where a contract states what differs. */
function typeChange(
  was: FieldType,
  is: FieldType,
): { readonly kind: ChangeKind; readonly keys: readonly string[] } | undefined {
  if (was.kind === 'decimal' && is.kind === 'decimal') {
    const keys = ['physicalType']
    if (was.scale !== is.scale) return { kind: 'scaleChanged', keys }
    if (was.precision === is.precision) return undefined
    return { kind: is.precision > was.precision ? 'typeWidened' : 'typeNarrowed', keys }
  }
  if (was.kind === 'timestamp' && is.kind === 'timestamp') {
    if (was.localZone === is.localZone) return undefined
    return { kind: 'zoneChanged', keys: ['logicalTypeOptions'] }
  }
  if (was.kind === is.kind) return undefined
  const keys = ['logicalTypeOptions', 'format']
  if (was.kind === 'int' && is.kind === 'long') return { kind: 'typeWidened', keys }
  if (was.kind === 'long' && is.kind === 'int') return { kind: 'typeNarrowed', keys }
  return { kind: 'typeChanged', keys: ['logicalType'] }
}

/** A type as people speak of it. */
export function typeText(type: FieldType): string {
  switch (type.kind) {
    case 'decimal':
      return `decimal(${type.precision}, ${type.scale})`
    case 'timestamp':
      return type.localZone === undefined
        ? 'timestamp'
        : `timestamp in ${type.localZone} without offset`
    case 'struct':
      return `object of ${type.fields.map((field) => field.name).join(', ')}`
    case 'list':
      return `array of ${typeText(type.element.type)}`
    default:
      return type.kind
  }
}

function presence(field: Field): string {
  return field.required ? 'required' : 'optional'
}

function custom({ document, place }: PlacedField, name: string): DocumentPath {
  return placeOfCustom(document, place, name)
}

function placeOfConstraint(
  { document, place }: PlacedField,
  option: keyof Constraints,
): DocumentPath {
  if (option === 'values') {
    return placeOfItem(
      document,
      [...place, 'quality'],
      (item) => item.metric === 'invalidValues' && item.mustBe === 0,
    )
  }
  const options = [...place, 'logicalTypeOptions']
  // A bound may be stated as an exclusive one, or come from the width of an integer.
  const exclusive = `exclusive${option.charAt(0).toUpperCase()}${option.slice(1)}`
  const stated = [option, exclusive, 'format'].find(
    (key) => valueAt(document, [...options, key]) !== undefined,
  )
  return [...options, stated ?? option]
}
