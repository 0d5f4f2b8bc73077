import { PlatformError } from '../kernel/errors.ts'
import { type Lake, type Table, tableFrom } from './table.ts'
import { MAIN, type SnapshotRefJson, type TableMetadata } from './table-metadata.ts'

/**
 * The table as it stands on a branch: everything of it but its current snapshot is the whole table's. Throws
 * `lake.refNotFound` for a branch that is not there, or is a tag.
 */
export function tableOnBranch(lake: Pick<Lake, 'objects'>, table: Table, branch: string): Table {
  if (branch === MAIN) return table
  const ref = requireRef(table, branch, 'branch')
  const metadata = standingAt(table.metadata, ref['snapshot-id'])
  return tableFrom(lake, table.name, metadata, table.metadataLocation)
}

/** The metadata with another current snapshot, or none; refs and log are as they were. */
export function standingAt(metadata: TableMetadata, snapshotId: bigint | undefined): TableMetadata {
  const { 'current-snapshot-id': _current, ...rest } = metadata
  return { ...rest, ...(snapshotId !== undefined && { 'current-snapshot-id': snapshotId }) }
}

/** Throws `lake.refNotFound`. */
export function requireRef(
  { name, metadata }: Table,
  ref: string,
  type: SnapshotRefJson['type'],
): SnapshotRefJson {
  const found = metadata.refs[ref]
  if (found?.type === type) return found
  const where = `${name.database}.${name.name}`
  throw new PlatformError(
    'lake.refNotFound',
    found ? `${ref} of ${where} is a ${found.type}, no ${type}` : `${where} has no ${type} ${ref}`,
  )
}
