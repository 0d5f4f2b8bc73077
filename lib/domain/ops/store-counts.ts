import type { SequenceNumber } from '#lib/domain/kernel/sequence-number.ts'

/** What one shard's rows are counted against. */
export interface CountBounds {
  readonly shard: string
  /** Undefined: no position. */
  readonly cut: SequenceNumber | undefined
  /** The oldest position that the stream still holds; undefined: none. */
  readonly horizon: SequenceNumber | undefined
}

/** A table of a product and its columns of position. */
export interface CountedTable {
  readonly table: string
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

/**
 * SQL (Trino's dialect) that counts a table's rows per shard: shard, rows up to its cut, different positions among them,
 * rows before the stream's horizon, rows after the cut. A shard without bounds has all its rows after the cut.
 */
export function countSql(counted: CountedTable, bounds: readonly CountBounds[]): string {
  const rows = bounds.map(
    ({ shard, cut, horizon }) =>
      `(${literal(shard)}, ${literal(cut ?? '')}, ${literal(horizon ?? PAST_ALL)})`,
  )
  const position = `t.${counted.sequence} || '/' || cast(t.${counted.index} as varchar)`
  const isUpToCut = `t.${counted.sequence} <= coalesce(b.cut, '')`
  return [
    `select t.${counted.shard},`,
    `  count_if(${isUpToCut}),`,
    `  count(distinct case when ${isUpToCut} then ${position} end),`,
    `  count_if(${isUpToCut} and t.${counted.sequence} < b.horizon),`,
    `  count_if(not (${isUpToCut}))`,
    `from ${counted.table} t`,
    `left join (values ${rows.length === 0 ? `('', '', '')` : rows.join(', ')}) as b (shard, cut, horizon)`,
    `  on b.shard = t.${counted.shard}`,
    `group by t.${counted.shard}`,
  ].join('\n')
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

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}
