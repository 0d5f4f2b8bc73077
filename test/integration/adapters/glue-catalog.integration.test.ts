import { randomUUID } from 'node:crypto'
import { CreateDatabaseCommand, GetTableCommand, GlueClient } from '@aws-sdk/client-glue'
import { describe, expect, it } from 'vitest'
import { clientConfig } from '#lib/adapters/aws/client-config.ts'
import { GlueCatalog } from '#lib/adapters/glue/glue-catalog.ts'
import { GlueTableRemover } from '#lib/adapters/glue/glue-table-remover.ts'
import { catalogContract } from '#test/ports/catalog-contract.ts'

const client = new GlueClient(clientConfig({ region: 'us-east-1' }))

async function newDatabase(): Promise<string> {
  const database = `catalog_${randomUUID().replaceAll('-', '')}`
  await client.send(new CreateDatabaseCommand({ DatabaseInput: { Name: database } }))
  return database
}

describe('GlueCatalog', () => {
  catalogContract(async () => ({
    catalog: new GlueCatalog({ client }),
    remover: new GlueTableRemover({ client }),
    database: await newDatabase(),
  }))

  it('makes the entry that Iceberg engines look for', async () => {
    const table = { database: await newDatabase(), name: 'trips' }
    await new GlueCatalog({ client }).create(table, {
      metadataLocation: 's3://lake/trips/metadata/0.metadata.json',
      location: 's3://lake/trips',
      schema: { fields: [{ id: 7, name: 'fare', required: false, type: 'decimal(9, 2)' }] },
    })

    const { Table } = await client.send(
      new GetTableCommand({ DatabaseName: table.database, Name: table.name }),
    )

    expect(Table).toMatchObject({
      TableType: 'EXTERNAL_TABLE',
      Parameters: {
        table_type: 'ICEBERG',
        metadata_location: 's3://lake/trips/metadata/0.metadata.json',
      },
      StorageDescriptor: {
        Location: 's3://lake/trips',
        Columns: [
          {
            Name: 'fare',
            Type: 'decimal(9,2)',
            Parameters: { 'iceberg.field.id': '7', 'iceberg.field.optional': 'true' },
          },
        ],
      },
    })
  })
})
