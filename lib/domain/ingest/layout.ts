import { contentHash } from '#lib/domain/kernel/content-hash.ts'
import type { Predecessor, SequenceNumber } from '#lib/domain/kernel/sequence-number.ts'

/**
 * Where a product's objects lie. One bucket per product and cell: S3 cost tags see buckets only.
 * The Iceberg table has a prefix of its own, so that nobody's orphan removal reaches raw or quarantine.
 */
export interface ProductLayout {
  readonly bucket: string
  readonly region: string
  readonly product: string
}

/** Created exactly once; the key is made of facts of the position, never of a clock. */
export function rawUri(layout: ProductLayout, date: string, shard: string, prev: Predecessor) {
  return `${rawPrefix(layout)}date=${date}/${shard}-${prev}.json.zst`
}

export function rawPrefix({ bucket, region }: ProductLayout) {
  return `s3://${bucket}/raw/region=${region}/`
}

/** Bytes nobody could decode, by position. */
export function undecodableUri(
  layout: ProductLayout,
  date: string,
  shard: string,
  sequence: SequenceNumber,
) {
  return `s3://${layout.bucket}/undecodable/region=${layout.region}/date=${date}/${shard}-${sequence}.bin`
}

/** Derived objects end in a content hash: code may change between two attempts. */
export function quarantineUri(
  layout: ProductLayout,
  date: string,
  shard: string,
  last: SequenceNumber,
  hash: string,
) {
  return `${quarantinePrefix(layout)}date=${date}/${shard}-${last}-${hash}.parquet`
}

export function quarantinePrefix({ bucket, region }: ProductLayout) {
  return `s3://${bucket}/quarantine/region=${region}/`
}

export function verdictsUri(
  layout: ProductLayout,
  shard: string,
  last: SequenceNumber,
  hash: string,
) {
  return `${verdictsPrefix(layout)}${shard}/${last}-${hash}.json.zst`
}

export function verdictsPrefix({ bucket }: ProductLayout) {
  return `s3://${bucket}/batches/`
}

/** An Iceberg table's location; the table of a major is named by `tableNameOf`. */
export function tableLocation(layout: ProductLayout, table: string) {
  return `s3://${layout.bucket}/table/${table}`
}

const MAX_PARTITION_PATH_BYTES = 512

export function curatedUri(
  layout: ProductLayout,
  table: string,
  partitionPath: string,
  shard: string,
  last: SequenceNumber,
  hash: string,
) {
  // S3 keys have 1,024 bytes: a long partition value is named by its hash, readers look into the manifest anyway.
  const path =
    Buffer.byteLength(partitionPath) > MAX_PARTITION_PATH_BYTES
      ? `partition-${contentHash(Buffer.from(partitionPath))}`
      : partitionPath
  const folder = path === '' ? '' : `${path}/`
  return `${tableLocation(layout, table)}/data/${folder}${shard}-${last}-${hash}.parquet`
}

/** Of which rejected events a replay has taken care; outlives quarantine itself. */
export function replaysPrefix(layout: ProductLayout) {
  return `s3://${layout.bucket}/quarantine-replays/region=${layout.region}/`
}

/** The claims of one batch are numbered, so that two replays at once cannot claim the same rows. */
export function replayUri(
  layout: ProductLayout,
  shard: string,
  last: SequenceNumber,
  number: number,
  step: 'claimed' | 'done',
) {
  return `${replaysPrefix(layout)}${shard}-${last}/${String(number).padStart(6, '0')}-${step}.json`
}

/** What upkeep notes for itself. */
export const MAINTENANCE_PREFIX = 'maintenance'

/** What orphan removal has found in a table and not removed yet. */
export function orphanPlansPrefix({ bucket }: ProductLayout, table: string) {
  return `s3://${bucket}/${MAINTENANCE_PREFIX}/orphans/${table}/`
}
