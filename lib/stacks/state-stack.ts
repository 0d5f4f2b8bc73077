import { CfnOutput, RemovalPolicy, Stack, type StackProps } from 'aws-cdk-lib'
import type { Construct } from 'constructs'
import { ProductStores } from '#lib/constructs/contract/product-stores.ts'
import { ItemTable } from '#lib/constructs/kernel/item-table.ts'
import { Catalog } from '#lib/constructs/lake/catalog.ts'
import { CellKeys } from '#lib/constructs/privacy/cell-keys.ts'
import type { Product } from '#lib/domain/contract/product.ts'
import { productId } from '#lib/topology/names.ts'
import { cellTags, productTags } from '#lib/topology/tags.ts'
import type { Cell, Topology } from '#lib/topology/topology.ts'
import { tagAll } from './tag-all.ts'

export interface StateStackProps extends StackProps {
  readonly topology: Topology
  readonly cell: Cell
  readonly products: readonly Product[]
}

/** All that a cell keeps: apart from the rest, so that no deployment of code can touch it. */
export class StateStack extends Stack {
  readonly keys: CellKeys
  readonly keyTable: ItemTable
  readonly catalog: Catalog
  private readonly stores = new Map<string, ProductStores>()

  constructor(scope: Construct, id: string, props: StateStackProps) {
    const { topology, cell, products, ...stackProps } = props
    const tags = cellTags(topology, cell)
    const terminationProtection = !topology.disposable
    super(scope, id, { ...stackProps, tags, terminationProtection })
    const removalPolicy = topology.disposable ? RemovalPolicy.DESTROY : RemovalPolicy.RETAIN
    tagAll(this, tags)
    this.keys = new CellKeys(this, 'Keys', {
      logGroupPrefix: `${topology.namespace}-${cell.name}-`,
      removalPolicy,
    })
    const cellKey = this.keys.cell
    this.keyTable = new ItemTable(this, 'SubjectKeys', { cellKey, removalPolicy })
    new CfnOutput(this, 'CellName', { value: cell.name })
    new CfnOutput(this, 'UndecodableKey', { value: this.keys.undecodable.keyArn })
    new CfnOutput(this, 'KeyTable', { value: this.keyTable.table.tableName })
    this.catalog = new Catalog(this, 'Catalog', {
      database: topology.namespace,
      purposes: topology.purposes,
      cellKey,
      removalPolicy,
    })
    new CfnOutput(this, 'Database', { value: this.catalog.database })
    for (const [purpose, workGroup] of this.catalog.workGroups) {
      const name = `${purpose.charAt(0).toUpperCase()}${purpose.slice(1)}`
      new CfnOutput(this, `QueryWorkGroup${name}`, { value: workGroup })
    }
    for (const { name, contract, files } of products) {
      const stores = new ProductStores(this, productId(name), {
        contract,
        contractFile: files.contract,
        database: this.catalog.database,
        cellKey,
        removalPolicy,
      })
      tagAll(stores, productTags(topology, cell, contract))
      this.stores.set(name, stores)
      this.announce(productId(name), stores)
    }
  }

  /** The stores of one of the cell's products. */
  storesOf(product: string): ProductStores {
    const stores = this.stores.get(product)
    if (stores === undefined) throw new Error(`cell has no product "${product}": list it first`)
    return stores
  }

  /** The command line finds stores by these keys. */
  private announce(product: string, stores: ProductStores): void {
    const { stream, bucket, journal, slots, features } = stores
    new CfnOutput(this, `${product}StreamName`, { value: stream.stream.streamName })
    new CfnOutput(this, `${product}Bucket`, { value: bucket.bucket.bucketName })
    new CfnOutput(this, `${product}JournalTable`, { value: journal.table.tableName })
    new CfnOutput(this, `${product}SlotsTable`, { value: slots.table.tableName })
    new CfnOutput(this, `${product}FeaturesTable`, { value: features.table.tableName })
  }
}
