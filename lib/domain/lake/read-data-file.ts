import type { ColumnBatch } from '../kernel/columns.ts'
import { PlatformError } from '../kernel/errors.ts'
import type { ObjectStore } from '../kernel/object-store.ts'
import type { DataFile } from './data-file.ts'
import { decodeFields } from './parquet/decode-fields.ts'
import type { TableSchema } from './schema.ts'

/**
 * The rows of a live data file as the schema has them now, in the order of the file: found by field id, whatever the
 * columns were called when it was written. Row deletes of other engines are not applied; a commit that replaces files
 * refuses a table that has them.
 *
 * Throws `lake.corruptFile` if the file does not hold what the table says of it.
 */
export async function readDataFile(
  objects: Pick<ObjectStore, 'get'>,
  file: DataFile,
  schema: TableSchema,
): Promise<ColumnBatch> {
  const bytes = await objects.get(file.path)
  if (bytes.length !== file.sizeBytes) {
    throw corrupt(file, `has ${bytes.length} bytes, not ${file.sizeBytes}`)
  }
  const batch = await decodeFields(bytes, schema.fields)
  if (batch.rows === file.recordCount) return batch
  throw corrupt(file, `has ${batch.rows} rows, not ${file.recordCount}`)
}

function corrupt({ path }: DataFile, how: string): PlatformError {
  return new PlatformError('lake.corruptFile', `${path} ${how}`, { context: { path } })
}
