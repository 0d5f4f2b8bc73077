import { Stack } from 'aws-cdk-lib'
import { CfnNamedQuery } from 'aws-cdk-lib/aws-athena'
import { CfnTable } from 'aws-cdk-lib/aws-glue'
import { Construct } from 'constructs'
import { type ContractVersions, versionsOf } from '#lib/domain/contract/contract-versions.ts'
import type { Product } from '#lib/domain/contract/product.ts'
import { savedQueriesOf } from '#lib/domain/contract/sql/saved-queries.ts'
import { type SqlView, sqlViewsOf } from '#lib/domain/contract/sql/sql-views.ts'
import { trinoType } from '#lib/domain/contract/sql/trino.ts'
import { hiveType } from '#lib/domain/lake/hive-type.ts'
import type { Catalog } from './catalog.ts'

export interface ProductQueriesProps {
  readonly product: Product
  readonly catalog: Catalog
}

/** What people ask of a product, ready to be asked: views in the catalog and saved queries by purpose. Keeps nothing. */
export class ProductQueries extends Construct {
  constructor(scope: Construct, id: string, { product, catalog }: ProductQueriesProps) {
    super(scope, id)
    const contracts = versionsOf([
      ...product.sources.map((source) => source.contract),
      product.contract,
    ])
    for (const view of sqlViewsOf(contracts)) this.view(view, catalog)
    this.savedQueries(contracts, catalog)
  }

  /** As Athena itself keeps a view: its query and its columns as text in the entry of the catalog. */
  private view(
    { name, description, columns, sql }: SqlView,
    { database, databaseName }: Catalog,
  ): void {
    const definition = {
      originalSql: sql,
      catalog: 'awsdatacatalog',
      schema: databaseName,
      columns: columns.map((column) => ({ name: column.name, type: trinoType(column.type) })),
    }
    new CfnTable(this, idOf(name), {
      catalogId: Stack.of(this).account,
      databaseName: database,
      tableInput: {
        name,
        description,
        tableType: 'VIRTUAL_VIEW',
        parameters: { presto_view: 'true', comment: 'Presto View' },
        viewOriginalText: `/* Presto View: ${encoded(definition)} */`,
        viewExpandedText: '/* Presto View */',
        storageDescriptor: {
          columns: columns.map((column) => ({
            name: column.name,
            type: hiveType(column.type),
            ...(column.description === undefined
              ? {}
              : { comment: column.description.replace(/\s+/g, ' ').slice(0, 255) }),
          })),
          serdeInfo: {},
        },
      },
    })
  }

  private savedQueries(contracts: ContractVersions, { database, workGroups }: Catalog): void {
    for (const { name, purpose, description, sql } of savedQueriesOf(contracts)) {
      new CfnNamedQuery(this, idOf(name), {
        name,
        description,
        database,
        queryString: sql,
        workGroup: workGroups.get(purpose)!,
      })
    }
  }
}

/** `trips: rows of a day` → `TripsRowsOfADay`. */
function idOf(name: string): string {
  const words = name.split(/[^A-Za-z0-9]+/).filter((word) => word !== '')
  return words.map((word) => `${word.charAt(0).toUpperCase()}${word.slice(1)}`).join('')
}

function encoded(definition: object): string {
  return Buffer.from(JSON.stringify(definition)).toString('base64')
}
