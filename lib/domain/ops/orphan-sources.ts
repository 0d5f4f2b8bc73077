import type { Journal } from '#lib/domain/ingest/journal.ts'
import type { ObjectStore } from '#lib/domain/kernel/object-store.ts'
import type { OrphanOptions } from '#lib/domain/lake/maintenance/orphans.ts'
import { pendingFiles } from '#lib/domain/lake/pending-files.ts'
import type { LakeTable } from './lake-tables.ts'

/**
 * Who may yet want a file of a table that no snapshot names: for curated tables the journal's batches that wait. Rows of
 * the other tables are computed when they are committed, so nothing of theirs waits anywhere.
 */
export function orphanSources(
  sources: { readonly journal: Journal; readonly objects: Pick<ObjectStore, 'get'> },
  { kind }: Pick<LakeTable, 'kind'>,
): Pick<OrphanOptions, 'waiting'> {
  if (kind !== 'curated') return { waiting: async () => new Set() }
  return { waiting: (fences) => pendingFiles(sources, fences) }
}
