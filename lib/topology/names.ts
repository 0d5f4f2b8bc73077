import type { Cell, Topology } from './topology.ts'

/** Stacks of a cell that belong to no product. */
const RESERVED = ['state', 'ops']

/**
 * A product's tables besides the one with its own name: records, its upkeep, what is made for queries, and those of
 * later majors of its contract.
 */
const TABLE_OF_PRODUCT =
  /^(.*)_(?:raw|quarantine|late|maintenance|current|daily|rejections|v\d+|(?:v\d+_)?latest)$/

/** `yellow_trips` → `YellowTrips`: the product in construct ids and output keys. */
export function productId(product: string): string {
  return product
    .split('_')
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('')
}

/** `<namespace>-<cell>-<part>`, where the part is `state`, `ops` or a product. */
export function stackName(topology: Topology, cell: Cell, part: string): string {
  return `${topology.namespace}-${cell.name}-${part.replaceAll('_', '-')}`
}

/** Products are told apart by construct id and stack name: throws if two of them would not be. */
export function checkProductNames(products: readonly string[]): void {
  const taken = new Map<string, string>()
  for (const product of products) {
    if (RESERVED.includes(product)) {
      throw new Error(`product "${product}" is named like a stack of the cell: rename it`)
    }
    const [, owner] = TABLE_OF_PRODUCT.exec(product) ?? []
    if (owner !== undefined && products.includes(owner)) {
      throw new Error(`product "${product}" is named like a table of product "${owner}": rename it`)
    }
    for (const name of [productId(product), product.replaceAll('_', '-')]) {
      const other = taken.get(name)
      if (other !== undefined && other !== product) {
        throw new Error(
          `products "${other}" and "${product}" are both named "${name}" in AWS: rename one`,
        )
      }
      taken.set(name, product)
    }
  }
}
