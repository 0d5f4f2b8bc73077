import {
  CreateTableCommand,
  GetTableCommand,
  type GlueClient,
  type Table,
  type TableInput,
  UpdateTableCommand,
} from '@aws-sdk/client-glue'
import { PlatformError } from '#lib/domain/kernel/errors.ts'
import type {
  Catalog,
  CatalogEntry,
  CreateInput,
  SwapInput,
  TableName,
} from '#lib/domain/lake/catalog.ts'
import { glueColumns } from './glue-columns.ts'
import { commitFailure, conflict, isNamed } from './glue-errors.ts'

export interface GlueCatalogProps {
  readonly client: GlueClient
}

/** Iceberg tables in the Glue Data Catalog; a swap is an `UpdateTable` with the expected `VersionId`. */
export class GlueCatalog implements Catalog {
  readonly #client: GlueClient
  /** The entries as last read: a swap replaces the whole entry, so it starts from the version it expects. */
  readonly #lastRead = new Map<string, Table>()

  constructor(props: GlueCatalogProps) {
    this.#client = props.client
  }

  async load(name: TableName): Promise<CatalogEntry | undefined> {
    const table = await this.#read(name)
    if (!table) return undefined
    const metadataLocation = table.Parameters?.metadata_location
    if (table.Parameters?.table_type?.toUpperCase() !== 'ICEBERG' || !metadataLocation) {
      throw new PlatformError(
        'lake.unsupportedTable',
        `${name.database}.${name.name} is in the catalog, but not as an Iceberg table`,
      )
    }
    return { metadataLocation, version: table.VersionId ?? '' }
  }

  async create(name: TableName, input: CreateInput): Promise<void> {
    const { metadataLocation, location, schema } = input
    const table: TableInput = {
      Name: name.name,
      TableType: 'EXTERNAL_TABLE',
      Parameters: { table_type: 'ICEBERG', metadata_location: metadataLocation },
      StorageDescriptor: { Location: location, Columns: glueColumns(schema) },
    }
    try {
      await this.#client.send(
        new CreateTableCommand({ DatabaseName: name.database, TableInput: table }),
      )
    } catch (error) {
      throw commitFailure(name, error)
    }
  }

  async swap(name: TableName, input: SwapInput): Promise<void> {
    const { expectedVersion } = input
    const current = await this.#expected(name, expectedVersion)
    try {
      await this.#client.send(
        new UpdateTableCommand({
          DatabaseName: name.database,
          TableInput: swapped(current, input),
          VersionId: expectedVersion,
          // Without this Glue keeps every version of the entry, up to a quota that ends all commits.
          SkipArchive: true,
        }),
      )
    } catch (error) {
      throw commitFailure(name, error)
    }
  }

  async #read(name: TableName): Promise<Table | undefined> {
    try {
      const { Table: table } = await this.#client.send(
        new GetTableCommand({ DatabaseName: name.database, Name: name.name }),
      )
      if (table) this.#lastRead.set(keyOf(name), table)
      return table
    } catch (error) {
      if (isNamed(error, 'EntityNotFoundException')) return undefined
      throw error
    }
  }

  /** The entry of the expected version; a newer one must not be written under the old one's number. */
  async #expected(name: TableName, version: string): Promise<Table> {
    const known = this.#lastRead.get(keyOf(name))
    if (known?.VersionId === version) return known
    const read = await this.#read(name)
    if (!read) {
      throw new PlatformError(
        'lake.tableNotFound',
        `there is no table ${name.database}.${name.name}`,
      )
    }
    if (read.VersionId === version) return read
    throw conflict(name, `version is ${read.VersionId}, expected ${version}`)
  }
}

function keyOf({ database, name }: TableName): string {
  return JSON.stringify([database, name])
}

/** The entry with its pointer moved; all else stays, so that what other tools put there survives. */
function swapped(current: Table, { metadataLocation, schema }: SwapInput): TableInput {
  const previous = current.Parameters?.metadata_location
  return {
    Name: current.Name,
    Description: current.Description,
    Owner: current.Owner,
    LastAccessTime: current.LastAccessTime,
    LastAnalyzedTime: current.LastAnalyzedTime,
    Retention: current.Retention,
    PartitionKeys: current.PartitionKeys,
    ViewOriginalText: current.ViewOriginalText,
    ViewExpandedText: current.ViewExpandedText,
    TableType: current.TableType,
    TargetTable: current.TargetTable,
    Parameters: {
      ...current.Parameters,
      metadata_location: metadataLocation,
      ...(previous && { previous_metadata_location: previous }),
    },
    StorageDescriptor: {
      ...current.StorageDescriptor,
      ...(schema && { Columns: glueColumns(schema) }),
    },
  }
}
