import type { Micros } from '#lib/domain/kernel/time.ts'
import type { TableName } from '#lib/domain/lake/catalog.ts'
import { withUpdates } from '#lib/domain/lake/refs/refs.ts'
import { type SwapOptions, swapMetadata } from '#lib/domain/lake/swap-metadata.ts'
import type { Lake, Table } from '#lib/domain/lake/table.ts'
import { overlaps } from './backfill.ts'
import { lockLost, type RangeLock } from './lock.ts'

/** Who may replace which range: in the table itself, so that the swap that publishes can ask. */
export const CLAIMS_PROPERTY = 'weir.backfillClaims'
/** The last backfills that were published, newest first. */
export const PUBLISHED_PROPERTY = 'weir.backfillsPublished'
const MOST_PUBLISHED = 50

export interface Claim {
  readonly id: string
  readonly fence: number
  readonly from: Micros
  readonly to: Micros
}

export interface PublishedBackfill {
  readonly id: string
  readonly snapshot: string
  readonly from: Micros
  readonly to: Micros
}

export function claimsOf({ properties }: Pick<Table, 'properties'>): readonly Claim[] {
  return JSON.parse(properties[CLAIMS_PROPERTY] ?? '[]') as Claim[]
}

export function publishedOf({
  properties,
}: Pick<Table, 'properties'>): readonly PublishedBackfill[] {
  return JSON.parse(properties[PUBLISHED_PROPERTY] ?? '[]') as PublishedBackfill[]
}

export function isPublished(table: Pick<Table, 'properties'>, id: string): boolean {
  return publishedOf(table).some((one) => one.id === id)
}

/** The properties of a table in which a backfill has been published, and has let go of its claim. */
export function publishedProperties(
  table: Pick<Table, 'properties'>,
  published: PublishedBackfill,
): Readonly<Record<string, string>> {
  const claims = claimsOf(table).filter(({ id }) => id !== published.id)
  const others = publishedOf(table).filter(({ id }) => id !== published.id)
  return {
    [CLAIMS_PROPERTY]: JSON.stringify(claims),
    [PUBLISHED_PROPERTY]: JSON.stringify([published, ...others].slice(0, MOST_PUBLISHED)),
  }
}

/** The properties of a table in which a backfill has been taken back. */
export function takenBackProperties(
  table: Pick<Table, 'properties'>,
  id: string,
): Readonly<Record<string, string>> {
  const others = publishedOf(table).filter((one) => one.id !== id)
  return { [PUBLISHED_PROPERTY]: JSON.stringify(others) }
}

/**
 * Writes the holder of a lock into the table, in the place of whoever held a part of the range before: from then on these
 * can publish nothing, whatever they believe. Throws `backfill.lockLost` if somebody has come later still.
 */
export async function claimRange(
  lake: Lake,
  name: TableName,
  { id, fence, from, to }: RangeLock,
  swap?: SwapOptions,
): Promise<Table> {
  const own: Claim = { id, fence, from, to }
  const { table } = await swapMetadata(
    lake,
    name,
    async (current) => {
      const claims = claimsOf(current)
      if (claims.some((one) => overlaps(one, own) && one.fence > fence)) {
        throw lockLost(id, name.name)
      }
      if (claims.some((one) => one.id === id && one.fence === fence)) return undefined
      const others = claims.filter((one) => one.id !== id && !overlaps(one, own))
      const properties = { [CLAIMS_PROPERTY]: JSON.stringify([...others, own]) }
      return withUpdates(lake, current, [{ kind: 'setProperties', properties }])
    },
    swap,
  )
  return table
}

/** Takes a claim out of the table; nothing happens if there is none. */
export async function releaseClaim(
  lake: Lake,
  name: TableName,
  id: string,
  swap?: SwapOptions,
): Promise<void> {
  await swapMetadata(
    lake,
    name,
    async (current) => {
      const claims = claimsOf(current)
      const others = claims.filter((one) => one.id !== id)
      if (others.length === claims.length) return undefined
      const properties = { [CLAIMS_PROPERTY]: JSON.stringify(others) }
      return withUpdates(lake, current, [{ kind: 'setProperties', properties }])
    },
    swap,
  )
}

/** Throws `backfill.lockLost` unless the table says that this one may replace its range. */
export function requireClaim(table: Table, { id, fence }: Pick<Claim, 'id' | 'fence'>): void {
  if (claimsOf(table).some((one) => one.id === id && one.fence === fence)) return
  throw lockLost(id, table.name.name)
}
