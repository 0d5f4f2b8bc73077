import { PlatformError } from '../kernel/errors.ts'
import { mustReload, type TableName } from './catalog.ts'
import { metadataPath, metadataVersion, writeNew } from './lake-objects.ts'
import { type Lake, requireTable, type Table, tableFrom } from './table.ts'
import { encodeTableMetadata, type TableMetadata } from './table-metadata.ts'

export interface SwapOptions {
  /** @default 10 */
  readonly attempts?: number
  /** Waits before attempt number `attempt` (2, 3, …); see `jitteredBackoff`. */
  readonly pause?: (attempt: number) => Promise<void>
}

export interface SwapResult {
  /** The table as it is now known to stand. */
  readonly table: Table
  readonly attempts: number
}

/**
 * The metadata that shall follow this state of the table; undefined if nothing is left to do. What it names stands in
 * the store when it is returned.
 */
export type NextMetadata = (table: Table) => Promise<TableMetadata | undefined>

/**
 * Swaps a table's metadata for what follows from it. A conflict and an unknown outcome are one case: read the table
 * again and ask again what is left to do. So it makes no difference whether an attempt was applied at once, late, or
 * never, nor whether a conflict was a rival's change or our own repeated success. Nothing is ever deleted: after a
 * conflict the metadata "we failed to commit" may be the table's current one. Attempts that lost leave objects that
 * nothing names, for maintenance to find.
 *
 * Throws `lake.commitAttemptsExhausted` (retryable), `lake.tableNotFound`, `lake.otherTable` if the name has become
 * another table's, `lake.corruptFile`, or what the catalog refused for good.
 */
export async function swapMetadata(
  lake: Lake,
  name: TableName,
  nextOf: NextMetadata,
  options: SwapOptions = {},
): Promise<SwapResult> {
  const { attempts: mostAttempts = 10, pause } = options
  let uuid: string | undefined
  for (let attempt = 1; ; attempt++) {
    const { table, version } = await requireTable(lake, name)
    uuid ??= table.metadata['table-uuid']
    refuseOther(table, uuid)
    const metadata = await nextOf(table)
    if (!metadata) return { table, attempts: attempt }

    // The metadata before the swap that makes it the table's: each object before what names it.
    const number = metadataVersion(table.metadataLocation) + 1
    const metadataLocation = metadataPath(table.location, number, lake.ids.uuid())
    const bytes = encodeTableMetadata(metadata)
    await writeNew(lake.objects, metadataLocation, bytes, 'application/json')
    try {
      const next = tableFrom(lake, name, metadata, metadataLocation)
      await lake.catalog.swap(name, {
        expectedVersion: version,
        metadataLocation,
        ...(isOtherSchema(table.metadata, metadata) && { schema: next.schema }),
      })
      return { table: next, attempts: attempt }
    } catch (error) {
      if (!mustReload(error)) throw error
      if (attempt >= mostAttempts) {
        throw new PlatformError(
          'lake.commitAttemptsExhausted',
          `could not commit to ${name.database}.${name.name} in ${attempt} attempts`,
          { retryable: true, cause: error, context: { attempts: attempt } },
        )
      }
    }
    await pause?.(attempt + 1)
  }
}

/** What was decided on for one table is nothing for another one, which has taken its name meanwhile. */
function refuseOther({ name, metadata, metadataLocation }: Table, uuid: string): void {
  if (metadata['table-uuid'] === uuid) return
  throw new PlatformError(
    'lake.otherTable',
    `${name.database}.${name.name} is another table since: ${metadataLocation} is of table ${metadata['table-uuid']}, not of ${uuid}`,
    { context: { path: metadataLocation } },
  )
}

function isOtherSchema(before: TableMetadata, after: TableMetadata): boolean {
  return before['current-schema-id'] !== after['current-schema-id']
}
