import type { ProductStores } from '#lib/constructs/contract/product-stores.ts'
import type { Catalog } from '#lib/constructs/lake/catalog.ts'
import type { CellKeys } from '#lib/constructs/privacy/cell-keys.ts'
import type { Product } from '#lib/domain/contract/product.ts'
import type { Cell } from '#lib/topology/topology.ts'
import type { FunctionBundles } from './function-bundles.ts'
import type { Permission } from './function-role.ts'
import type { ItemTable } from './item-table.ts'

/** One data product in one cell: what its functions are wired to. */
export interface ProductScope {
  readonly cell: Cell
  readonly product: Product
  readonly bundles: FunctionBundles
  readonly keys: CellKeys
  /** The cell's key table: keys of people. */
  readonly keyTable: ItemTable
  readonly catalog: Catalog
  readonly stores: ProductStores
}

/** What every function of the product is told. */
export function placeOf({ cell, product }: ProductScope) {
  return { WEIR_CELL: cell.name, WEIR_REGION: cell.region, WEIR_PRODUCT: product.name }
}

/** Permission to use the cell's stores: all of them are encrypted with its key. */
export function allowCellKey({ keys }: ProductScope): Permission {
  return { actions: ['kms:Decrypt', 'kms:GenerateDataKey'], on: [keys.cell.keyArn] }
}
