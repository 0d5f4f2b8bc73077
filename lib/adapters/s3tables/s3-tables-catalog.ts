import {
  CreateNamespaceCommand,
  CreateTableCommand,
  DeleteTableCommand,
  GetTableMetadataLocationCommand,
  type GetTableMetadataLocationCommandOutput,
  type S3TablesClient,
  UpdateTableMetadataLocationCommand,
} from '@aws-sdk/client-s3tables'
import { PlatformError } from '#lib/domain/kernel/errors.ts'
import type {
  Catalog,
  CatalogEntry,
  CreateInput,
  SwapInput,
  TableName,
  TableRemover,
} from '#lib/domain/lake/catalog.ts'
import { isRefusal } from '../aws/refusal.ts'

export interface S3TablesCatalogProps {
  readonly client: S3TablesClient
  /** `arn:aws:s3tables:<region>:<account>:bucket/<name>`. */
  readonly tableBucketArn: string
}

/**
 * Iceberg tables of an S3 table bucket; a database is a namespace. A swap is an `UpdateTableMetadataLocation` with
 * the version token that came with the location. The service says where a table lies: `locationOf` has to be asked
 * before it is made.
 */
export class S3TablesCatalog implements Catalog, TableRemover {
  readonly #client: S3TablesClient
  readonly #bucket: { readonly tableBucketARN: string }

  constructor({ client, tableBucketArn }: S3TablesCatalogProps) {
    this.#client = client
    this.#bucket = { tableBucketARN: tableBucketArn }
  }

  /**
   * Where the service has put the table, under which all of its objects have to lie; makes room for it if there is
   * none.
   */
  async locationOf(name: TableName): Promise<string> {
    return (await this.#place(name)).warehouseLocation!
  }

  async load(name: TableName): Promise<CatalogEntry | undefined> {
    const found = await this.#find(name)
    // Without metadata it is room for a table, and none yet.
    if (found?.metadataLocation === undefined) return undefined
    return { metadataLocation: found.metadataLocation, version: found.versionToken! }
  }

  async create(name: TableName, { metadataLocation }: CreateInput): Promise<void> {
    const place = await this.#place(name)
    if (place.metadataLocation !== undefined) throw conflict(name, 'the table exists')
    await this.#move(name, metadataLocation, place.versionToken!)
  }

  async swap(name: TableName, { expectedVersion, metadataLocation }: SwapInput): Promise<void> {
    await this.#move(name, metadataLocation, expectedVersion)
  }

  async remove(name: TableName): Promise<boolean> {
    try {
      await this.#client.send(new DeleteTableCommand(this.#named(name)))
      return true
    } catch (error) {
      if (isNamed(error, 'NotFoundException')) return false
      throw error
    }
  }

  #named({ database, name }: TableName) {
    return { ...this.#bucket, namespace: database, name }
  }

  async #find(name: TableName): Promise<GetTableMetadataLocationCommandOutput | undefined> {
    try {
      return await this.#client.send(new GetTableMetadataLocationCommand(this.#named(name)))
    } catch (error) {
      if (isNamed(error, 'NotFoundException')) return undefined
      throw error
    }
  }

  /** The entry, made if it is not there; whoever else makes it meanwhile makes the same. */
  async #place(name: TableName) {
    const found = await this.#find(name)
    if (found !== undefined) return found
    await unlessThere(name, () =>
      this.#client.send(
        new CreateNamespaceCommand({ ...this.#bucket, namespace: [name.database] }),
      ),
    )
    await unlessThere(name, () =>
      this.#client.send(new CreateTableCommand({ ...this.#named(name), format: 'ICEBERG' })),
    )
    const made = await this.#find(name)
    if (made !== undefined) return made
    throw conflict(name, 'the table was removed while it was made')
  }

  async #move(name: TableName, metadataLocation: string, versionToken: string): Promise<void> {
    const input = { ...this.#named(name), metadataLocation, versionToken }
    try {
      await this.#client.send(new UpdateTableMetadataLocationCommand(input))
    } catch (error) {
      throw commitFailure(name, error)
    }
  }
}

async function unlessThere(name: TableName, make: () => Promise<unknown>): Promise<void> {
  try {
    await make()
  } catch (error) {
    if (!isNamed(error, 'ConflictException')) throw commitFailure(name, error)
  }
}

function isNamed(error: unknown, name: string): boolean {
  return error instanceof Error && error.name === name
}

function conflict({ database, name }: TableName, why: string, cause?: unknown): PlatformError {
  return new PlatformError('lake.commitConflict', `${database}.${name}: ${why}`, {
    retryable: true,
    cause,
  })
}

/** Only a refusal that the service itself declared is final; whatever else went wrong leaves the outcome open. */
function commitFailure(name: TableName, error: unknown): PlatformError {
  const where = `${name.database}.${name.name}`
  if (isNamed(error, 'ConflictException')) return conflict(name, 'ConflictException', error)
  if (isNamed(error, 'NotFoundException')) {
    return new PlatformError('lake.tableNotFound', `there is no table ${where}`, { cause: error })
  }
  const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
  return isRefusal(error)
    ? new PlatformError('lake.commitRefused', `${where}: ${message}`, { cause: error })
    : new PlatformError('lake.commitStateUnknown', `${where}: ${message}`, {
        retryable: true,
        cause: error,
      })
}
