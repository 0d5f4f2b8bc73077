import type { ColumnBatch } from '../kernel/columns.ts'
import { PlatformError } from '../kernel/errors.ts'
import type { ObjectStore } from '../kernel/object-store.ts'
import type { DataFile } from './data-file.ts'
import { decodeFields } from './parquet/decode-fields.ts'
import type { TableField, TableSchema } from './schema.ts'

/**
 * The rows of a live data file as the schema has them now, in the order of the file: found by field id, whatever the
 * columns were called when it was written. Row deletes are not applied; `LiveRowReader` does that.
 *
 * Throws `lake.corruptFile` if the file does not hold what the table says of it.
 */
export async function readDataFile(
  objects: Pick<ObjectStore, 'get'>,
  file: DataFile,
  schema: TableSchema,
): Promise<ColumnBatch> {
  return await readColumns(objects, file, schema.fields)
}

/** As {@link readDataFile}, for these fields only, and for files that delete rows too. */
export async function readColumns(
  objects: Pick<ObjectStore, 'get'>,
  file: Pick<DataFile, 'path' | 'sizeBytes' | 'recordCount'>,
  fields: readonly TableField[],
): Promise<ColumnBatch> {
  const bytes = await objects.get(file.path)
  if (bytes.length !== file.sizeBytes) {
    throw corrupt(file, `has ${bytes.length} bytes, not ${file.sizeBytes}`)
  }
  const batch = await decoded(bytes, file, fields)
  if (batch.rows === file.recordCount) return batch
  throw corrupt(file, `has ${batch.rows} rows, not ${file.recordCount}`)
}

/** A file that is no Parquet file has errors of its own, none of which name it. */
async function decoded(
  bytes: Uint8Array,
  file: Pick<DataFile, 'path'>,
  fields: readonly TableField[],
): Promise<ColumnBatch> {
  try {
    return await decodeFields(bytes, fields)
  } catch (error) {
    if (error instanceof PlatformError) throw error
    throw corrupt(file, `is no Parquet file: ${error instanceof Error ? error.message : error}`)
  }
}

function corrupt({ path }: Pick<DataFile, 'path'>, how: string): PlatformError {
  return new PlatformError('lake.corruptFile', `${path} ${how}`, { context: { path } })
}
