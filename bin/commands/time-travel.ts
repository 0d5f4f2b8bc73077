import { GlueClient } from '@aws-sdk/client-glue'
import { S3Client } from '@aws-sdk/client-s3'
import { GlueCatalog } from '#lib/adapters/glue/glue-catalog.ts'
import { S3ObjectStore } from '#lib/adapters/s3/s3-object-store.ts'
import { systemClock, systemIds } from '#lib/adapters/system/system.ts'
import { hasCode } from '#lib/domain/kernel/errors.ts'
import type { Snapshot, Table } from '#lib/domain/lake/table.ts'
import { loadTable } from '#lib/domain/lake/table.ts'
import type { DeployedCell } from './cells.ts'
import type { CommandContext } from './context.ts'
import { CommandError } from './failure.ts'
import { relationsIn, type SqlRelation } from './sql-relations.ts'
import { snapshotNamed } from './table-target.ts'

/** A table as a query read it. */
export interface TableVersion {
  readonly table: string
  readonly snapshot: string
  readonly committedAt: string
}

/** Loads a table of a database; undefined if there is none, `lake.unsupportedTable` if it is none of Iceberg's. */
export type LoadTable = (database: string, name: string) => Promise<Table | undefined>

/** The tables of a cell's catalog. */
export function tablesOfCell(context: CommandContext, { region }: DeployedCell): LoadTable {
  const config = context.target.clientConfig(region)
  const lake = {
    objects: new S3ObjectStore({ client: new S3Client(config) }),
    catalog: new GlueCatalog({ client: new GlueClient(config) }),
    clock: systemClock,
    ids: systemIds,
  }
  return (database, name) => loadTable(lake, { database, name })
}

/**
 * The statement with each of its tables as it was at a time, or at a snapshot: `for version as of` behind every one.
 * The snapshots are looked up here, so that all tables are read as of one moment and whoever asks learns which
 * versions these were. Fails with one line where a table has no such version.
 */
export async function asOf(
  sql: string,
  at: bigint | { readonly atMs: number },
  database: string,
  load: LoadTable,
): Promise<{ readonly sql: string; readonly versions: readonly TableVersion[] }> {
  const relations = relationsIn(sql)
  if (relations.length === 0) {
    throw new CommandError('query.at', '--at needs a statement that reads a table', { exitCode: 2 })
  }
  const snapshots = new Map<string, Snapshot>()
  for (const relation of relations) {
    const name = nameOf(relation)
    if (relation.isVersioned) {
      throw new CommandError(
        'query.at',
        `the statement says itself which version of ${name} to read: leave that out, or --at`,
        { exitCode: 2 },
      )
    }
    if (snapshots.has(name)) continue
    snapshots.set(name, await snapshotOf(relation, at, database, load))
  }
  if (typeof at === 'bigint' && snapshots.size > 1) {
    throw new CommandError(
      'query.at',
      `a snapshot is one table’s, and the statement reads ${[...snapshots.keys()].join(', ')}: write a time, or "for version as of" behind each table`,
      { exitCode: 2 },
    )
  }
  let text = sql
  for (const relation of [...relations].reverse()) {
    const { snapshotId } = snapshots.get(nameOf(relation))!
    text = `${text.slice(0, relation.end)} for version as of ${snapshotId}${text.slice(relation.end)}`
  }
  const versions = [...snapshots].map(([table, { snapshotId, timestampMs }]) => ({
    table,
    snapshot: String(snapshotId),
    committedAt: new Date(timestampMs).toISOString(),
  }))
  return { sql: text, versions }
}

function nameOf({ path }: SqlRelation): string {
  return path.slice(-2).join('.').toLowerCase()
}

async function snapshotOf(
  { path }: SqlRelation,
  at: bigint | { readonly atMs: number },
  database: string,
  load: LoadTable,
): Promise<Snapshot> {
  const name = path.at(-1)!.toLowerCase()
  const schema = (path.at(-2) ?? database).toLowerCase()
  const table = await load(schema, name).catch((error: unknown) => {
    if (!hasCode(error, 'lake.unsupportedTable')) throw error
    throw new CommandError(
      'query.at',
      `${name} has no snapshots: it is a view, or files by date, and only Iceberg tables can be asked as they were; \`weir table list\` names them`,
      { cause: error },
    )
  })
  if (table === undefined) {
    throw new CommandError('query.at', `there is no table ${schema}.${name}`, { exitCode: 2 })
  }
  try {
    return snapshotNamed(table, at)
  } catch (error) {
    if (!hasCode(error, 'lake.snapshotGone')) throw error
    throw new CommandError('query.at', (error as Error).message, { cause: error })
  }
}
