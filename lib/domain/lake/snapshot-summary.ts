import type { DataFile } from './data-file.ts'
import type { SnapshotJson } from './table-metadata.ts'

/** The summary of an append, with Iceberg's own counts; `extra` may add to them but not replace them. */
export function appendSummary(
  previous: SnapshotJson | undefined,
  files: readonly DataFile[],
  extra: Readonly<Record<string, string>>,
): Record<string, string> {
  const rows = files.reduce((sum, file) => sum + file.recordCount, 0)
  const bytes = files.reduce((sum, file) => sum + file.sizeBytes, 0)
  const partitions = new Set(files.map((file) => JSON.stringify(file.partition)))
  return {
    ...extra,
    operation: 'append',
    'added-data-files': String(files.length),
    'added-records': String(rows),
    'added-files-size': String(bytes),
    'changed-partition-count': String(partitions.size),
    ...total(previous, 'total-records', rows),
    ...total(previous, 'total-files-size', bytes),
    ...total(previous, 'total-data-files', files.length),
    ...total(previous, 'total-delete-files', 0),
    ...total(previous, 'total-position-deletes', 0),
    ...total(previous, 'total-equality-deletes', 0),
  }
}

/** A total goes on from the parent's; where another engine left it out it stays out, rather than be wrong. */
function total(
  previous: SnapshotJson | undefined,
  key: string,
  added: number,
): Record<string, string> {
  const before = previous ? previous.summary[key] : '0'
  return before === undefined ? {} : { [key]: String(BigInt(before) + BigInt(added)) }
}
