import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { DynamoDbGenerationStore } from '#lib/adapters/dynamodb/dynamodb-generation-store.ts'
import { contractVersions } from '#lib/domain/contract/contract-versions.ts'
import { featureTableName } from '#lib/domain/process/feature-table.ts'
import { servingView } from '#lib/domain/process/generations/generations.ts'
import { productIn } from './cells.ts'
import type { CommandContext } from './context.ts'
import { productOfView } from './feature-arguments.ts'

/** Text in single quotes, or a view's name in braces. */
const PART = /'(?:[^']|'')*'|\{([a-z][a-z0-9-]*)\}/g

/** The views that a statement names in braces, each once. */
export function viewsIn(sql: string): readonly string[] {
  const names = [...sql.matchAll(PART)].flatMap(([, view]) => (view === undefined ? [] : [view]))
  return [...new Set(names)]
}

/** The statement with each view in braces replaced by its table. */
export function withTables(sql: string, tables: ReadonlyMap<string, string>): string {
  return sql.replace(PART, (text, view?: string) =>
    view === undefined ? text : (tables.get(view) ?? text),
  )
}

/**
 * Puts the feature tables of the live generation where a statement names views in braces: SQL that follows a switch.
 * Each product is asked once, so that one statement reads one generation of it.
 */
export async function withLiveTables(
  context: CommandContext,
  sql: string,
  region: string,
): Promise<string> {
  const tables = new Map<string, string>()
  const known = new Map<string, ReturnType<DynamoDbGenerationStore['load']>>()
  for (const name of viewsIn(sql)) {
    const product = await productOfView(context.root, name)
    const { slotsTable: tableName } = await productIn(context, region, product.name)
    const client = new DynamoDBClient(context.target.clientConfig(region))
    const loading =
      known.get(product.name) ?? new DynamoDbGenerationStore({ client, tableName }).load()
    known.set(product.name, loading)
    const deployed = { contracts: contractVersions(product.documents), views: product.views }
    const { view, generation } = servingView((await loading)?.generations, deployed, name)!
    tables.set(name, featureTableName(product.name, view, generation))
  }
  return withTables(sql, tables)
}
