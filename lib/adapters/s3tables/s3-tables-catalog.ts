import { PlatformError } from '#lib/domain/kernel/errors.ts'
import type {
  Catalog,
  CatalogEntry,
  CreateInput,
  SwapInput,
  TableName,
  TableRemover,
} from '#lib/domain/lake/catalog.ts'
import { type S3TablesApi, S3TablesError } from './s3-tables-api.ts'

/**
 * Iceberg tables of an S3 table bucket; a database is a namespace. A swap is an `UpdateTableMetadataLocation` with
 * the version token that came with the location. The service says where a table lies: `locationOf` has to be asked
 * before it is made.
 */
export class S3TablesCatalog implements Catalog, TableRemover {
  readonly #api: S3TablesApi

  constructor(props: { readonly api: S3TablesApi }) {
    this.#api = props.api
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

  async remove({ database, name }: TableName): Promise<boolean> {
    try {
      await this.#api.write('DELETE', ['tables', database, name])
      return true
    } catch (error) {
      if (isCode(error, 'NotFoundException')) return false
      throw error
    }
  }

  async #find({ database, name }: TableName) {
    try {
      return await this.#api.read('tables', database, name, 'metadata-location')
    } catch (error) {
      if (isCode(error, 'NotFoundException')) return undefined
      throw error
    }
  }

  /** The entry, made if it is not there; whoever else makes it meanwhile makes the same. */
  async #place(name: TableName) {
    const found = await this.#find(name)
    if (found !== undefined) return found
    const { database } = name
    await this.#unlessThere(name, ['namespaces'], { namespace: [database] })
    await this.#unlessThere(name, ['tables', database], { name: name.name, format: 'ICEBERG' })
    const made = await this.#find(name)
    if (made !== undefined) return made
    throw conflict(name, 'the table was removed while it was made')
  }

  async #unlessThere(name: TableName, path: readonly string[], body: object): Promise<void> {
    try {
      await this.#api.write('PUT', path, body)
    } catch (error) {
      if (!isCode(error, 'ConflictException')) throw commitFailure(name, error)
    }
  }

  async #move(name: TableName, metadataLocation: string, versionToken: string): Promise<void> {
    const path = ['tables', name.database, name.name, 'metadata-location']
    try {
      await this.#api.write('PUT', path, { metadataLocation, versionToken })
    } catch (error) {
      throw commitFailure(name, error)
    }
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof S3TablesError && error.code === code
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
  if (isCode(error, 'ConflictException')) return conflict(name, 'ConflictException', error)
  if (isCode(error, 'NotFoundException')) {
    return new PlatformError('lake.tableNotFound', `there is no table ${where}`, { cause: error })
  }
  const isRefused =
    error instanceof S3TablesError &&
    error.status >= 400 &&
    error.status < 500 &&
    error.status !== 408 &&
    error.status !== 429
  const message = error instanceof Error ? error.message : String(error)
  return isRefused
    ? new PlatformError('lake.commitRefused', `${where}: ${message}`, { cause: error })
    : new PlatformError('lake.commitStateUnknown', `${where}: ${message}`, {
        retryable: true,
        cause: error,
      })
}
