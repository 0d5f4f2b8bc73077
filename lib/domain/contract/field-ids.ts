import type { CustomProperties } from './custom-properties.ts'
import { type DocumentNode, isObject } from './document-node.ts'

/** The field ids of a contract: each is stated once, whether for a column or for what is nested in one. */
export class FieldIds {
  readonly #taken = new Map<number, string>()
  /** Greater than every id stated or advised: what to write where one is missing. */
  #nextFree: number

  constructor(nodes: readonly DocumentNode[]) {
    this.#nextFree = Math.max(9, ...nodes.map(greatestIn)) + 1
  }

  /**
   * The id that a field states; notes a problem if it states none, or that of another field. Where it states none, the one
   * that is advised: what else is wrong is then told without it in the way.
   */
  take(node: DocumentNode, custom: CustomProperties, name: string): number | undefined {
    if (!custom.has('weir.fieldId')) {
      const advised = this.#nextFree++
      node.problem(
        `weir.fieldId is missing: add "- property: weir.fieldId" with "value: ${advised}" (the next free id) to customProperties`,
        { atKey: true },
      )
      return advised
    }
    const id = custom.integer('weir.fieldId')
    if (id === undefined) return undefined
    const owner = this.#taken.get(id)
    if (owner !== undefined) {
      node.problem(
        `weir.fieldId ${id} is already that of "${owner}": give "${name}" ${this.#nextFree++}, the next free id`,
        { atKey: true },
      )
    }
    this.#taken.set(id, owner ?? name)
    return id
  }
}

/** How many fields there are, those of objects and arrays too. */
export function countFields(nodes: readonly DocumentNode[]): number {
  return nodes.reduce((sum, node) => sum + 1 + countFields(membersOf(node)), 0)
}

function greatestIn(node: DocumentNode): number {
  const custom = node.get('customProperties').value
  let greatest = 0
  for (const item of Array.isArray(custom) ? custom : []) {
    if (!isObject(item) || item.property !== 'weir.fieldId') continue
    if (Number.isSafeInteger(item.value)) greatest = Math.max(greatest, item.value as number)
  }
  return Math.max(greatest, ...membersOf(node).map(greatestIn))
}

/** Only what is there in the right form: whoever compiles it says what is wrong. */
function membersOf(node: DocumentNode): readonly DocumentNode[] {
  const properties = node.get('properties')
  const items = node.get('items')
  return [
    ...(Array.isArray(properties.value) ? properties.items('properties') : []),
    ...(isObject(items.value) ? [items] : []),
  ]
}
