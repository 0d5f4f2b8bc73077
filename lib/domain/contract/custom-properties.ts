import type { JsonValue } from '#lib/domain/kernel/json.ts'
import { type DocumentNode, shown } from './document-node.ts'
import {
  nearestName,
  WEIR_PROPERTIES,
  type WeirProperty,
  type WeirPropertyName,
  weirProperty,
} from './weir-properties.ts'

/** The `weir.*` properties of one place, checked against the one list of them. */
export class CustomProperties {
  readonly #values: ReadonlyMap<string, JsonValue>
  readonly #nodes: ReadonlyMap<string, DocumentNode>
  readonly #owner: DocumentNode

  constructor(
    owner: DocumentNode,
    nodes: ReadonlyMap<string, DocumentNode>,
    values: ReadonlyMap<string, JsonValue>,
  ) {
    this.#owner = owner
    this.#nodes = nodes
    this.#values = values
  }

  has(name: WeirPropertyName): boolean {
    return this.#nodes.has(name)
  }

  /** Where the property's value stands; where it should, if it is absent. */
  node(name: WeirPropertyName): DocumentNode {
    return this.#nodes.get(name) ?? this.#owner
  }

  text(name: WeirPropertyName): string | undefined {
    const value = this.#values.get(name) ?? weirProperty(name)?.default
    return typeof value === 'string' ? value : undefined
  }

  /** The number as stated, else the list's default. */
  integer(name: WeirPropertyName): number | undefined {
    const value = this.#values.get(name) ?? weirProperty(name)?.default
    return typeof value === 'number' ? value : undefined
  }

  boolean(name: WeirPropertyName): boolean | undefined {
    const value = this.#values.get(name)
    return typeof value === 'boolean' ? value : undefined
  }
}

/** Reads `customProperties` of a place; other prefixes than `weir.` are none of our business. */
export function readCustomProperties(
  owner: DocumentNode,
  on: WeirProperty['on'],
): CustomProperties {
  const nodes = new Map<string, DocumentNode>()
  const values = new Map<string, JsonValue>()
  for (const item of owner.get('customProperties').items('customProperties')) {
    if (!item.object('a custom property', ['id', 'property', 'value', 'description'])) continue
    const name = item
      .get('property')
      .requiredText('the name of a custom property', '"property: <name>"')
    if (name === undefined || !/^weir\./i.test(name)) continue
    const property = weirProperty(name)
    if (property === undefined || property.on !== on) {
      item.get('property').problem(misplaced(name, property, on))
    } else if (nodes.has(name)) {
      item.get('property').problem(`${name} is stated twice: remove one`)
    } else {
      const node = item.get('value')
      nodes.set(name, node)
      const value = checkedValue(node, property)
      if (value !== undefined) values.set(name, value)
    }
  }
  for (const property of WEIR_PROPERTIES) {
    if (property.on !== on || 'default' in property || nodes.has(property.name)) continue
    if (property.name === 'weir.fieldId') continue // its message names the next free id
    owner
      .get('customProperties')
      .problem(
        `${property.name} is missing (${property.meaning}): add "- property: ${property.name}" with a value to customProperties`,
        { atKey: true },
      )
  }
  return new CustomProperties(owner, nodes, values)
}

function checkedValue(node: DocumentNode, property: WeirProperty): JsonValue | undefined {
  if (node.isAbsent) return node.problem(`${property.name} needs a value: add "value: …"`)
  switch (property.type) {
    case 'integer':
      return node.integer(property.name, property.minimum ?? 0, property.maximum ?? 1e9)
    case 'boolean':
      return node.boolean(property.name)
    default:
      return node.text(property.name)
  }
}

function misplaced(
  name: string,
  property: WeirProperty | undefined,
  on: WeirProperty['on'],
): string {
  if (property !== undefined) {
    const right = property.on === 'contract' ? 'at the top of the contract' : 'at a field'
    return `${name} belongs into the customProperties ${right}: move it there`
  }
  const here = WEIR_PROPERTIES.filter((one) => one.on === on).map((one) => one.name)
  const near = nearestName(name, here)
  const advice = near === undefined ? `write one of ${here.join(', ')}` : `write ${near}`
  return `there is no property ${shown(name)}: ${advice}`
}
