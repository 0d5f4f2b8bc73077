import type { ProductLayout } from '#lib/domain/ingest/layout.ts'
import { PlatformError } from '#lib/domain/kernel/errors.ts'
import type { ObjectRemover } from '#lib/domain/kernel/object-remover.ts'
import type { ObjectStore } from '#lib/domain/kernel/object-store.ts'
import type { TableName, TableRemover } from '#lib/domain/lake/catalog.ts'
import { featureTableLocation, featureTableName } from '../feature-table.ts'
import type { SlotInventory } from '../slot-store.ts'
import { FIRST_GENERATION, type ViewDefinition } from '../view.ts'
import { changeGenerations, type GenerationStore } from './generation-store.ts'
import { type DeployedViews, engineName, type Generations, scopeOf } from './generations.ts'
import { nameOf } from './switch.ts'

export interface DropDependencies extends DeployedViews {
  readonly generations: GenerationStore
  readonly inventory: SlotInventory
  readonly objects: ObjectStore
  readonly remover: ObjectRemover
  readonly tables: TableRemover
  readonly layout: ProductLayout
  readonly database: string
}

export interface DropReport {
  readonly generation: string
  /** Items of the slots table. */
  readonly items: number
  /** Feature tables that were taken out of the catalog. */
  readonly tables: number
  /** Files of these tables and late rows. */
  readonly objects: number
}

const OBJECTS_AT_ONCE = 1_000

/**
 * Removes a generation that is not live: first it is written down as dropped, so that nobody feeds it or switches to it;
 * then go its slots, tables and late rows. Dying in between leaves it dropped: a repeat removes the rest, also what an
 * invocation wrote that had begun before. Of the first generation the views stay that no other one answers.
 *
 * Throws `replay.unknown` or `replay.live`.
 */
export async function dropGeneration(deps: DropDependencies, name: string): Promise<DropReport> {
  const generations = await changeGenerations(deps.generations, (current) => {
    const known = current?.byName[name]
    if (current === undefined || known === undefined) {
      const names = Object.keys(current?.byName ?? { [FIRST_GENERATION]: {} }).join(', ')
      throw new PlatformError('replay.unknown', `unknown generation "${name}": known are ${names}`)
    }
    if (current.live === name) {
      throw new PlatformError(
        'replay.live',
        `generation ${name} is live: switch to another one before it is dropped`,
      )
    }
    if (known.state === 'dropped') return current
    const byName = { ...current.byName, [name]: { ...known, state: 'dropped' as const } }
    return { ...current, byName: forgetPins(current.live, byName) }
  })
  const views = droppedViews(deps, generations, name)
  const items = await deps.inventory.removeViews(new Set(views.map((view) => nameOf(view, name))))
  let tables = 0
  let objects = 0
  for (const view of views) {
    const { product } = deps.contracts.current
    const table: TableName = {
      database: deps.database,
      name: featureTableName(product, view, engineName(name).generation),
    }
    // The catalog first: an entry must not point at files that are gone.
    if (await deps.tables.remove(table)) tables++
    objects += await removeAll(deps, `${featureTableLocation(deps.layout, table)}/`)
  }
  if (name !== FIRST_GENERATION) {
    objects += await removeAll(deps, `s3://${deps.layout.bucket}/generations/${name}/`)
  }
  return { generation: name, items, tables, objects }
}

/** Alone again, the first generation is what is deployed, and says so when a view is redefined. */
function forgetPins(live: string, byName: Generations['byName']): Generations['byName'] {
  const others = Object.entries(byName).filter(([name]) => name !== FIRST_GENERATION)
  const isAlone = others.every(([, { state }]) => state === 'dropped')
  if (live !== FIRST_GENERATION || !isAlone) return byName
  const { views: _, ...first } = byName[FIRST_GENERATION]!
  return { ...byName, [FIRST_GENERATION]: first }
}

function droppedViews(
  deps: DeployedViews,
  generations: Generations,
  name: string,
): readonly ViewDefinition[] {
  const { views = [] } = generations.byName[name]!
  if (name !== FIRST_GENERATION) return views
  const kept = scopeOf(generations, deps, name).views.map((view) => nameOf(view, name))
  return views.filter((view) => !kept.includes(nameOf(view, name)))
}

async function removeAll({ objects, remover }: DropDependencies, prefix: string): Promise<number> {
  let removed = 0
  let chunk: string[] = []
  const flush = async () => {
    await remover.remove(chunk)
    removed += chunk.length
    chunk = []
  }
  for await (const { uri } of objects.list(prefix)) {
    chunk.push(uri)
    if (chunk.length >= OBJECTS_AT_ONCE) await flush()
  }
  if (chunk.length > 0) await flush()
  return removed
}
