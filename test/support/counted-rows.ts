import { decodeQuarantine } from '#lib/domain/ingest/quarantine-file.ts'
import { decodeRawBatch } from '#lib/domain/ingest/raw-object.ts'
import { utf8At } from '#lib/domain/kernel/columns.ts'
import type { ObjectStore } from '#lib/domain/kernel/object-store.ts'
import { decodeManifest } from '#lib/domain/lake/manifest.ts'
import { decodeParquet } from '#lib/domain/lake/parquet/decode.ts'
import { manifestsOf, type Table } from '#lib/domain/lake/table.ts'
import { specJson } from '#lib/domain/lake/table-metadata.ts'

interface Row {
  readonly shard: string
  readonly sequence: string
  readonly index: number
}

/** Stands in for Athena: answers the counting SQL from the objects themselves, as its text says. */
export function countingQuery(
  objects: ObjectStore,
  tableNow: () => Promise<Table | undefined>,
): (sql: string) => Promise<readonly (readonly unknown[])[]> {
  return async (sql) => {
    const counts = new Map<string, { positions: Set<string>; numbers: number[] }>()
    for (const row of await rowsOf(sql, objects, tableNow)) {
      const [, floor = '', cut = '', horizon = 'z'] =
        [...sql.matchAll(/\('([^']+)', '(\w*)', '(\w*)', '(\w*)'\)/g)]
          .find(([, shard]) => shard === row.shard)
          ?.slice(1) ?? []
      const of = counts.get(row.shard) ?? { positions: new Set(), numbers: [0, 0, 0] }
      counts.set(row.shard, of)
      if (row.sequence > cut) of.numbers[2]! += 1
      else if (row.sequence > floor) {
        of.numbers[0]! += 1
        of.positions.add(`${row.sequence}/${row.index}`)
        if (row.sequence < horizon) of.numbers[1]! += 1
      }
    }
    return [...counts].map(([shard, { positions, numbers }]) => [
      shard,
      numbers[0],
      positions.size,
      numbers[1],
      numbers[2],
    ])
  }
}

async function rowsOf(
  sql: string,
  objects: ObjectStore,
  tableNow: () => Promise<Table | undefined>,
): Promise<readonly Row[]> {
  const rows: Row[] = []
  if (sql.includes('_raw')) {
    for await (const { uri } of objects.list('s3://bucket/raw/')) {
      const { shard, events } = decodeRawBatch(uri, await objects.get(uri))
      rows.push(...events.map(({ sequence, index }) => ({ shard, sequence, index })))
    }
  } else if (sql.includes('_quarantine')) {
    for await (const { uri } of objects.list('s3://bucket/quarantine/')) {
      if (sql.includes(`'${uri}'`)) continue
      const shard = /\/([^/]+)-\d{4,}-[^/]*$/.exec(uri)![1]!
      const decoded = await decodeQuarantine(await objects.get(uri))
      rows.push(...decoded.map(({ sequence, index }) => ({ shard, sequence, index })))
    }
  } else {
    const snapshotId = BigInt(/for version as of (\d+)/.exec(sql)![1]!)
    rows.push(...(await curatedRows(objects, (await tableNow())!, snapshotId)))
  }
  return rows
}

async function curatedRows(
  objects: ObjectStore,
  { metadata }: Table,
  snapshotId: bigint,
): Promise<readonly Row[]> {
  const snapshot = metadata.snapshots.find((one) => one['snapshot-id'] === snapshotId)
  if (snapshot === undefined) throw new Error(`no snapshot ${snapshotId}`)
  const rows: Row[] = []
  for (const manifest of await manifestsOf(objects, snapshot)) {
    const spec = specJson(metadata, manifest.partitionSpecId)
    for (const { file } of decodeManifest(
      await objects.get(manifest.manifestPath),
      manifest,
      spec,
    )) {
      const names = ['ingest_shard', 'ingest_sequence'] as const
      const batch = await decodeParquet(await objects.get(file.path), names)
      const [shards, sequences] = names.map((name) => batch.columns.get(name)!)
      if (shards?.kind !== 'utf8' || sequences?.kind !== 'utf8') throw new Error('not text')
      for (let row = 0; row < batch.rows; row++) {
        const shard = utf8At(shards, row)
        rows.push({ shard, sequence: utf8At(sequences, row), index: row })
      }
    }
  }
  return rows
}
