import type { ContractVersions } from '#lib/domain/contract/contract-versions.ts'
import type { Journal } from '#lib/domain/ingest/journal.ts'
import { isAfter, type Predecessor, START } from '#lib/domain/kernel/sequence-number.ts'
import { hasFeatureTable } from '../feature-table.ts'
import { contractOfView, stateNameOf, type ViewDefinition } from '../view.ts'
import type { SlotsOf } from './feed-generations.ts'
import type { GenerationStore } from './generation-store.ts'
import { fedScopes } from './generations.ts'

export interface ReadPositionSources {
  readonly journal: Journal
  readonly generations: GenerationStore
  readonly slotsOf: SlotsOf
  readonly contracts: ContractVersions
  readonly views: readonly ViewDefinition[]
}

/**
 * Where each shard's batches begin that windows are still to be computed from: the least over the views of all
 * generations that go on with the stream. The files of later batches are read again, by whoever updates, finalizes or
 * lets go of slots, although the table may have been compacted since.
 */
export async function readPositions(
  sources: ReadPositionSources,
): Promise<ReadonlyMap<string, Predecessor>> {
  const { journal, contracts } = sources
  // The shards before the positions: one that comes later is in none of them, and then counts from its start.
  const shards = await journal.shards()
  const stored = await sources.generations.load()
  const positions = new Map<string, Predecessor>()
  for (const scope of fedScopes(stored?.generations, sources)) {
    const slots = sources.slotsOf(scope)
    for (const view of scope.views) {
      const name = stateNameOf(view, scope.generation)
      // What becomes final is read twice more: for its final rows and, last of all, to let its slots go.
      const done = hasFeatureTable(view, contractOfView(view, contracts))
        ? ((await slots.finalProgress(name))?.fences ?? {})
        : undefined
      for (const { shard } of shards) {
        const position = done ? (done[shard] ?? START) : (await slots.cursor(name, shard)).position
        positions.set(shard, earlier(positions.get(shard) ?? position, position))
      }
    }
  }
  return positions
}

function earlier(a: Predecessor, b: Predecessor): Predecessor {
  if (a === START || b === START) return START
  return isAfter(a, b) ? b : a
}
