import { sqlText } from '#lib/domain/contract/sql/trino.ts'
import { PlatformError } from '#lib/domain/kernel/errors.ts'
import type { SequenceNumber } from '#lib/domain/kernel/sequence-number.ts'

/** What one shard's rows are counted against. */
export interface CountBounds {
  readonly shard: string
  /** Rows up to here may have expired, and are not counted. Undefined: none. */
  readonly floor?: SequenceNumber | undefined
  /** Undefined: no position. */
  readonly cut: SequenceNumber | undefined
  /** The oldest position that the stream still holds; undefined: none. */
  readonly horizon: SequenceNumber | undefined
}

/** A table of a product and its columns of position. */
export interface CountedTable {
  readonly table: string
  /** Of an Iceberg table: as this snapshot left it. */
  readonly snapshotId?: bigint
  /** Objects whose rows do not count. */
  readonly without?: readonly string[]
  readonly shard: string
  readonly sequence: string
  readonly index: string
}

/** Counts of one shard in one table. */
export interface StoredCounts {
  readonly upToCut: number
  /** Different positions among them. */
  readonly positions: number
  readonly beforeHorizon: number
  readonly afterCut: number
}

/** Greater than every stored sequence number: text order is position order, and all of them are digits. */
const PAST_ALL = 'z'

/** What Athena takes as the text of one query is 256 KiB; a path has a few hundred bytes. */
const MOST_EXCLUDED = 700

/**
 * SQL (Trino's dialect) that counts a table's rows per shard: shard, rows from its floor up to its cut, different
 * positions among them, rows before the stream's horizon, rows after the cut. A shard without bounds has all its rows
 * after the cut.
 */
export function countSql(counted: CountedTable, bounds: readonly CountBounds[]): string {
  const rows = bounds.map(
    ({ shard, floor, cut, horizon }) =>
      `(${sqlText(shard)}, ${sqlText(floor ?? '')}, ${sqlText(cut ?? '')}, ${sqlText(horizon ?? PAST_ALL)})`,
  )
  const position = `t.${counted.sequence} || '/' || cast(t.${counted.index} as varchar)`
  const isPastCut = `t.${counted.sequence} > coalesce(b.cut, '')`
  const isUpToCut = `t.${counted.sequence} > b.floor and t.${counted.sequence} <= b.cut`
  return [
    `select t.${counted.shard},`,
    `  count_if(${isUpToCut}),`,
    `  count(distinct case when ${isUpToCut} then ${position} end),`,
    `  count_if(${isUpToCut} and t.${counted.sequence} < b.horizon),`,
    `  count_if(${isPastCut})`,
    `from ${relationOf(counted)} t`,
    `left join (values ${rows.length === 0 ? `('', '', '', '')` : rows.join(', ')}) as b (shard, floor, cut, horizon)`,
    `  on b.shard = t.${counted.shard}`,
    `group by t.${counted.shard}`,
  ].join('\n')
}

function relationOf({ table, snapshotId, without = [] }: CountedTable): string {
  // The columns are not named: only where a path is asked for does a table have one.
  if (snapshotId !== undefined) return `(select * from ${table} for version as of ${snapshotId})`
  return without.length === 0 ? table : `(select * from ${table} where ${notIn(without)})`
}

/**
 * A condition (Trino's dialect) that leaves out the rows of some objects. Throws `ops.tooManyOrphans` if they are more
 * than a query can name.
 */
export function notIn(uris: readonly string[]): string {
  if (uris.length > MOST_EXCLUDED) {
    throw new PlatformError(
      'ops.tooManyOrphans',
      `${uris.length} quarantine objects belong to no batch, the first is ${uris[0]}: a function is dying again and again after it wrote them, look at the log of archive-events`,
      { context: { uris: uris.slice(0, 10) } },
    )
  }
  return `"$path" not in (${uris.map(sqlText).join(', ')})`
}

/** The answer to {@link countSql}, by shard. */
export function storedCounts(
  rows: readonly (readonly unknown[])[],
): ReadonlyMap<string, StoredCounts> {
  return new Map(
    rows.map(([shard, upToCut, positions, beforeHorizon, afterCut]) => [
      String(shard),
      {
        upToCut: Number(upToCut),
        positions: Number(positions),
        beforeHorizon: Number(beforeHorizon),
        afterCut: Number(afterCut),
      },
    ]),
  )
}

/** The counts of several tables together. A row in two of them is there twice. */
export function summedCounts(
  tables: readonly ReadonlyMap<string, StoredCounts>[],
): ReadonlyMap<string, StoredCounts> {
  const sums = new Map<string, StoredCounts>()
  for (const [shard, counts] of tables.flatMap((table) => [...table])) {
    const sum = sums.get(shard)
    sums.set(
      shard,
      sum === undefined
        ? counts
        : {
            upToCut: sum.upToCut + counts.upToCut,
            positions: sum.positions + counts.positions,
            beforeHorizon: sum.beforeHorizon + counts.beforeHorizon,
            afterCut: sum.afterCut + counts.afterCut,
          },
    )
  }
  return sums
}
