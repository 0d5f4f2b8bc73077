import { type DocumentNode, isObject } from './document-node.ts'

const MAX_NODES = 200_000
const MAX_DEPTH = 32

/** Refuses what would take a reader out of the document, or never let it end. */
export function refuseForeignContent(root: DocumentNode): void {
  const pending: DocumentNode[] = [root]
  let nodes = 0
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    if (++nodes > MAX_NODES) {
      root.problem(`the document has more than ${MAX_NODES} values: split the product`)
      return
    }
    if (node.path.length > MAX_DEPTH) {
      node.problem(`a contract nests at most ${MAX_DEPTH} deep`)
      return
    }
    if (Array.isArray(node.value)) {
      for (const item of node.items('list')) pending.push(item)
    } else if (isObject(node.value)) {
      for (const key of Object.keys(node.value)) {
        const child = node.get(key)
        if (key === '$ref') {
          child.problem('a contract stands alone: write out what $ref points to', { atKey: true })
        }
        pending.push(child)
      }
    }
  }
}
