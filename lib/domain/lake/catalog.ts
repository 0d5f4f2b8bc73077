import { hasCode } from '../kernel/errors.ts'
import type { TableSchema } from './schema.ts'

export interface TableName {
  readonly database: string
  readonly name: string
}

/** Where a table stands. Version and location come from one read: together they are what a swap replaces. */
export interface CatalogEntry {
  readonly metadataLocation: string
  /** Opaque; another one after every change of the entry, whoever made it. */
  readonly version: string
}

export interface CreateInput {
  readonly metadataLocation: string
  /** The table's own location, for engines that look there. */
  readonly location: string
  readonly schema: TableSchema
}

export interface SwapInput {
  readonly expectedVersion: string
  readonly metadataLocation: string
  /** Only when the table's schema changed; otherwise the catalog's columns stay as they are. */
  readonly schema?: TableSchema
}

/**
 * The pointer to a table's current metadata, with compare-and-swap. The only two retryable failures of
 * `create` and `swap` are `lake.commitConflict` (the entry is not what was expected) and
 * `lake.commitStateUnknown` (time-out, lost connection, fault inside the catalog). A caller treats both alike:
 * either may mean that its own call was applied, perhaps by a repeat inside the client, perhaps only later.
 */
export interface Catalog {
  /** The entry, or undefined if there is no such table. Strongly consistent. */
  load(table: TableName): Promise<CatalogEntry | undefined>
  /** Creates the entry; `lake.commitConflict` if there is one. */
  create(table: TableName, input: CreateInput): Promise<void>
  /** Moves the pointer if the version is still the expected one. Keeps what others wrote into the entry. */
  swap(table: TableName, input: SwapInput): Promise<void>
}

/** Whether the outcome of a create or swap has to be looked up by reading the table again. */
export function mustReload(error: unknown): boolean {
  return hasCode(error, 'lake.commitConflict') || hasCode(error, 'lake.commitStateUnknown')
}

/**
 * Takes tables out of the catalog: a port of its own, so that nothing on the data's path can. Their files stay.
 */
export interface TableRemover {
  /** False if there is no such table. */
  remove(table: TableName): Promise<boolean>
}
