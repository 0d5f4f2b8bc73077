import type { Contract } from '#lib/domain/contract/contract.ts'
import { partitionSpecOf, tableNameOf, tableSchemaOf } from '#lib/domain/contract/table-columns.ts'
import { type ColumnBatch, takeRows } from '#lib/domain/kernel/columns.ts'
import { contentHash } from '#lib/domain/kernel/content-hash.ts'
import type { SequenceNumber } from '#lib/domain/kernel/sequence-number.ts'
import { dataFile } from '#lib/domain/lake/data-file.ts'
import { encodeParquet } from '#lib/domain/lake/parquet/encode.ts'
import { partitionRows } from '#lib/domain/lake/partition.ts'
import type { TableSchema } from '#lib/domain/lake/schema.ts'
import type { AdmittedRows } from './judge.ts'
import { curatedUri, type ProductLayout } from './layout.ts'
import type { CuratedFile } from './verdicts-object.ts'

/** The rows of a batch that become one curated file. */
export interface CuratedPart {
  readonly contract: Contract
  readonly schema: TableSchema
  readonly batch: ColumnBatch
  readonly part: ReturnType<typeof partitionRows>[number]
}

/** Which curated files the admitted rows of a batch become: one per table and partition. */
export function curatedParts(admitted: readonly AdmittedRows[]): readonly CuratedPart[] {
  return admitted.flatMap(({ contract, batch }) => {
    const schema = tableSchemaOf(contract)
    const partitions = partitionRows(schema, partitionSpecOf(contract), batch)
    return partitions.map((part) => ({ contract, schema, batch, part }))
  })
}

/** A curated file, described and as bytes, under the name that its position and content give it. */
export function encodeCurated(
  layout: ProductLayout,
  { contract, schema, batch, part }: CuratedPart,
  shard: string,
  last: SequenceNumber,
): { readonly file: CuratedFile; readonly bytes: Uint8Array } {
  const encoded = encodeParquet(schema, rowsOf(batch, part.rows))
  const hash = contentHash(encoded.bytes)
  const uri = curatedUri(layout, tableNameOf(contract), part.path, shard, last, hash)
  const file = { ...dataFile(uri, part.partition, encoded), contractVersion: contract.version }
  return { file, bytes: encoded.bytes }
}

/** The batch itself, if it is all of it. */
function rowsOf(batch: ColumnBatch, rows: ArrayLike<number>): ColumnBatch {
  return rows.length === batch.rows ? batch : takeRows(batch, rows)
}
