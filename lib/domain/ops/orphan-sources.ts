import type { Journal } from '#lib/domain/ingest/journal.ts'
import type { ObjectStore } from '#lib/domain/kernel/object-store.ts'
import { isAfter, type Predecessor, START } from '#lib/domain/kernel/sequence-number.ts'
import type { Fences } from '#lib/domain/lake/fences.ts'
import type { OrphanOptions } from '#lib/domain/lake/maintenance/orphans.ts'
import { pendingFiles } from '#lib/domain/lake/pending-files.ts'
import {
  type ReadPositionSources,
  readPositions,
} from '#lib/domain/process/generations/read-positions.ts'
import type { LakeTable } from './lake-tables.ts'

export interface OrphanSources extends ReadPositionSources {
  readonly journal: Journal
  readonly objects: Pick<ObjectStore, 'get'>
}

/**
 * Who may yet want a file of a table that no snapshot names: for curated tables the journal's batches that wait to be
 * committed, and those that windows are still computed from. Rows of the other tables are computed when they are
 * committed, so nothing of theirs waits anywhere.
 */
export function orphanSources(
  sources: OrphanSources,
  { kind }: Pick<LakeTable, 'kind'>,
): Pick<OrphanOptions, 'waiting'> {
  if (kind !== 'curated') return { waiting: async () => new Set() }
  return {
    waiting: async (fences) => pendingFiles(sources, behind(fences, await readPositions(sources))),
  }
}

/** The fences, each moved back to where the shard is still read. */
function behind(fences: Fences, positions: ReadonlyMap<string, Predecessor>): Fences {
  return Object.fromEntries(
    Object.entries(fences).map(([shard, fence]) => {
      const position = positions.get(shard)
      const isBehind =
        position !== undefined &&
        fence !== START &&
        (position === START || isAfter(fence, position))
      return [shard, isBehind ? position : fence]
    }),
  )
}
