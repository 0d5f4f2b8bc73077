import { type ColumnBatch, takeRows } from '../kernel/columns.ts'
import { type DataFile, dataFile } from './data-file.ts'
import { writeNew } from './lake-objects.ts'
import { encodeParquet } from './parquet/encode.ts'
import { partitionRows } from './partition.ts'
import { rowsInOrder } from './row-order.ts'
import { type SortOrder, sortOrderOf } from './sort-order.ts'
import type { Lake, Table } from './table.ts'

/** S3 keys have 1,024 bytes. A path is for people, so a long one is not missed. */
const LONGEST_PATH_BYTES = 512

/**
 * Writes rows of the table's schema as data files, one per partition and in the table's order, and describes them for a
 * commit. Nobody but who gets the description knows of them.
 */
export async function writeDataFiles(
  lake: Pick<Lake, 'objects' | 'ids'>,
  table: Table,
  batch: ColumnBatch,
): Promise<readonly DataFile[]> {
  const { schema, spec, location } = table
  const order = orderOf(table)
  const files: DataFile[] = []
  for (const { partition, path, rows } of partitionRows(schema, spec, batch)) {
    const some = takeRows(batch, rows)
    const sorted = order ? takeRows(some, rowsInOrder(schema, order.order, some)) : some
    const encoded = encodeParquet(schema, sorted)
    const isShort = path !== '' && Buffer.byteLength(path) <= LONGEST_PATH_BYTES
    const uri = `${location}/data/${isShort ? `${path}/` : ''}${lake.ids.uuid()}.parquet`
    await writeNew(lake.objects, uri, encoded.bytes, 'application/vnd.apache.parquet')
    files.push({
      ...dataFile(uri, partition, encoded),
      ...(order && { sortOrderId: order.id }),
    })
  }
  return files
}

function orderOf({ metadata }: Table): { id: number; order: SortOrder } | undefined {
  const id = metadata['default-sort-order-id']
  const json = metadata['sort-orders'].find((one) => one['order-id'] === id)
  const order = json && sortOrderOf(json)
  return order && { id, order }
}
