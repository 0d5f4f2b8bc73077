import { setTimeout as sleep } from 'node:timers/promises'
import { productNames } from '#lib/adapters/files/product-files.ts'
import { readProduct } from '#lib/adapters/files/read-product.ts'
import { contractVersions } from '#lib/domain/contract/contract-versions.ts'
import type { Product } from '#lib/domain/contract/product.ts'
import { jitteredBackoff } from '#lib/domain/lake/backoff.ts'
import type { TableName } from '#lib/domain/lake/catalog.ts'
import { requireSnapshot, snapshotAsOf } from '#lib/domain/lake/inspect/snapshot-at.ts'
import type { SwapOptions } from '#lib/domain/lake/swap-metadata.ts'
import {
  type Lake,
  loadTable,
  requireTable,
  type Snapshot,
  type Table,
} from '#lib/domain/lake/table.ts'
import { type LakeTable, lakeTablesOf, recordTablesOf } from '#lib/domain/ops/lake-tables.ts'
import type { CommandContext } from './context.ts'
import { CommandError } from './failure.ts'
import { type ProductStores, productStores } from './stores.ts'

/** A table of the lake in one cell, to look at and to work on. */
export interface OpenTable {
  readonly region: string
  readonly known: LakeTable
  readonly name: TableName
  readonly lake: Lake
  readonly stores: ProductStores
  readonly swap: SwapOptions
  /** As it stands now; throws `lake.tableNotFound`. */
  load(): Promise<Table>
}

/** Products and the Iceberg tables that each has, by what the project says. */
export interface KnownTables {
  readonly product: Product
  readonly tables: readonly LakeTable[]
}

/** The tables of every product that can be read: what is wrong with another one does not matter here. */
export async function knownTables(context: CommandContext): Promise<readonly KnownTables[]> {
  const names = await productNames(context.root)
  const readings = await Promise.all(names.map((name) => readProduct(context.root, name)))
  return readings.flatMap((reading) => (reading.ok ? [tablesOf(reading.product)] : []))
}

export function tablesOf(product: Product): KnownTables {
  return { product, tables: lakeTablesOf(contractVersions(product.documents), product.views) }
}

/** The table of this name, or one line naming those there are. */
export async function openTable(
  context: CommandContext,
  tableName: string,
  region: string,
): Promise<OpenTable> {
  const all = await knownTables(context)
  const owner = all.find(({ tables }) => tables.some(({ name }) => name === tableName))
  if (owner === undefined) throw unknownTable(all, tableName)
  const known = owner.tables.find(({ name }) => name === tableName)!
  return openKnown(context, owner.product.name, known, region)
}

/** A table that the project has. */
export async function openKnown(
  context: CommandContext,
  product: string,
  known: LakeTable,
  region: string,
  stores?: ProductStores,
): Promise<OpenTable> {
  const opened = stores ?? (await productStores(context, region, product))
  const { lake, deployed } = opened
  const name = { database: deployed.cell.database, name: known.name }
  const pause = (ms: number) => sleep(ms, undefined, { signal: context.signal })
  return {
    region,
    known,
    name,
    lake,
    stores: opened,
    swap: { pause: jitteredBackoff({ sleep: pause, random: Math.random }) },
    load: async () => (await requireTable(lake, name)).table,
  }
}

/** The table if it is there already. */
export function ifThere({ lake, name }: OpenTable): Promise<Table | undefined> {
  return loadTable(lake, name)
}

/** The snapshot with this id, or the one that was current at this time. */
export function snapshotNamed(table: Table, wanted: bigint | { readonly atMs: number }): Snapshot {
  return typeof wanted === 'bigint'
    ? requireSnapshot(table, wanted)
    : snapshotAsOf(table, wanted.atMs)
}

function unknownTable(all: readonly KnownTables[], name: string): CommandError {
  const records = all.some(({ product }) => recordTablesOf(product.name).includes(name))
  const known = all.flatMap(({ tables }) => tables.map((one) => one.name)).join(', ') || 'none yet'
  if (records) {
    return new CommandError(
      'table.records',
      `${name} is no Iceberg table but files by date, which expire by themselves and have no snapshots: ask it with \`weir query\`; tables are ${known}`,
    )
  }
  return new CommandError('table.unknown', `unknown table "${name}": known are ${known}`)
}
