import { DeleteTableCommand, type GlueClient } from '@aws-sdk/client-glue'
import type { TableName, TableRemover } from '#lib/domain/lake/catalog.ts'
import { isNamed } from './glue-errors.ts'

/** Takes tables out of the Glue Data Catalog. */
export class GlueTableRemover implements TableRemover {
  readonly #client: GlueClient

  constructor(props: { readonly client: GlueClient }) {
    this.#client = props.client
  }

  async remove({ database, name }: TableName): Promise<boolean> {
    try {
      await this.#client.send(new DeleteTableCommand({ DatabaseName: database, Name: name }))
      return true
    } catch (error) {
      if (isNamed(error, 'EntityNotFoundException')) return false
      throw error
    }
  }
}
