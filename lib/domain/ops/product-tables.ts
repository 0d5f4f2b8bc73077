import { readFences } from '#lib/domain/lake/fences.ts'
import type { Snapshot, Table } from '#lib/domain/lake/table.ts'
import type { TableFences } from './committed-fences.ts'

/** A curated table of a product, as it stood at one read. */
export interface ProductTable {
  /** The major of the contract whose rows it holds. */
  readonly major: number
  readonly name: string
  /** Undefined before the first deployment of its major has committed. */
  readonly table: Table | undefined
}

/** Throws `lake.rolledBack` as {@link readFences} does. */
export function fencesOf(tables: readonly ProductTable[]): Promise<readonly TableFences[]> {
  return Promise.all(
    tables.map(async ({ major, table }) => ({
      major,
      fences: table === undefined ? {} : await readFences(table),
    })),
  )
}

/** Rows of all tables, as their newest snapshots count them. */
export function rowsOf(tables: readonly ProductTable[]): number {
  return tables.reduce(
    (sum, { table }) => sum + Number(table?.currentSnapshot?.summary['total-records'] ?? 0),
    0,
  )
}

/** The snapshots of all tables, oldest first. */
export function snapshotsOf(tables: readonly ProductTable[]): readonly Snapshot[] {
  return tables
    .flatMap(({ table }) => table?.snapshots ?? [])
    .sort((a, b) => a.timestampMs - b.timestampMs)
}
