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
  return `s3://${layout.bucket}/raw/region=${layout.region}/date=${date}/${shard}-${prev}.json.zst`
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
  return `s3://${layout.bucket}/quarantine/region=${layout.region}/date=${date}/${shard}-${last}-${hash}.parquet`
}

export function verdictsUri(
  layout: ProductLayout,
  shard: string,
  last: SequenceNumber,
  hash: string,
) {
  return `s3://${layout.bucket}/batches/${shard}/${last}-${hash}.json.zst`
}

/** The Iceberg table's location. */
export function tableLocation(layout: ProductLayout) {
  return `s3://${layout.bucket}/table/${layout.product}`
}

export function curatedUri(
  layout: ProductLayout,
  partitionPath: string,
  shard: string,
  last: SequenceNumber,
  hash: string,
) {
  const folder = partitionPath === '' ? '' : `${partitionPath}/`
  return `${tableLocation(layout)}/data/${folder}${shard}-${last}-${hash}.parquet`
}
