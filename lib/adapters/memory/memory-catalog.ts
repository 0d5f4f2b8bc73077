import { PlatformError } from '#lib/domain/kernel/errors.ts'
import type {
  Catalog,
  CatalogEntry,
  CreateInput,
  SwapInput,
  TableName,
  TableRemover,
} from '#lib/domain/lake/catalog.ts'

/** A catalog in this process's memory, with Glue's semantics of versions. */
export class MemoryCatalog implements Catalog, TableRemover {
  readonly #entries = new Map<string, CatalogEntry>()

  async load(table: TableName): Promise<CatalogEntry | undefined> {
    return this.#entries.get(keyOf(table))
  }

  async create(table: TableName, { metadataLocation }: CreateInput): Promise<void> {
    if (this.#entries.has(keyOf(table))) throw conflict(table, 'the table exists')
    this.#entries.set(keyOf(table), { metadataLocation, version: '0' })
  }

  async swap(table: TableName, input: SwapInput): Promise<void> {
    const { expectedVersion, metadataLocation } = input
    const current = this.#entries.get(keyOf(table))
    if (!current) {
      throw new PlatformError(
        'lake.tableNotFound',
        `there is no table ${table.database}.${table.name}`,
      )
    }
    if (current.version !== expectedVersion) {
      throw conflict(table, `version is ${current.version}, expected ${expectedVersion}`)
    }
    const version = String(Number(current.version) + 1)
    this.#entries.set(keyOf(table), { metadataLocation, version })
  }

  async remove(table: TableName): Promise<boolean> {
    return this.#entries.delete(keyOf(table))
  }
}

function keyOf({ database, name }: TableName): string {
  return JSON.stringify([database, name])
}

function conflict({ database, name }: TableName, why: string): PlatformError {
  return new PlatformError('lake.commitConflict', `${database}.${name}: ${why}`, {
    retryable: true,
  })
}
