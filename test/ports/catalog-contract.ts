import { beforeAll, describe, expect, it } from 'vitest'
import type { Catalog, TableName, TableRemover } from '#lib/domain/lake/catalog.ts'
import type { TableSchema } from '#lib/domain/lake/schema.ts'

const SCHEMA: TableSchema = {
  fields: [
    { id: 1, name: 'trip_id', required: true, type: 'string', doc: 'Which trip' },
    { id: 2, name: 'fare', required: false, type: 'decimal(9, 2)' },
  ],
}

/**
 * What every catalog promises; run on each adapter. `create` gives a catalog and a database without tables; where tables
 * lie, if the catalog says so itself.
 */
export function catalogContract(
  create: () => Promise<{
    readonly catalog: Catalog
    readonly remover: TableRemover
    readonly database: string
    readonly locationOf?: (table: TableName) => Promise<string>
  }>,
): void {
  let catalog: Catalog
  let remover: TableRemover
  let database: string
  let locationOf = async ({ name }: TableName): Promise<string> => `s3://lake/${name}`
  beforeAll(async () => {
    const created = await create()
    ;({ catalog, remover, database, locationOf = locationOf } = created)
  })

  const metadataAt = async (table: TableName, metadata: string) =>
    `${await locationOf(table)}/metadata/${metadata}.metadata.json`
  const input = async (table: TableName, metadata: string) => ({
    metadataLocation: await metadataAt(table, metadata),
    location: await locationOf(table),
    schema: SCHEMA,
  })

  async function created(name: string): Promise<TableName> {
    const table = { database, name }
    await catalog.create(table, await input(table, '0'))
    return table
  }

  it('does not know a table that was not created', async () => {
    expect(await catalog.load({ database, name: 'nowhere' })).toBeUndefined()
  })

  it('gives back where a created table stands', async () => {
    const table = await created('created')

    expect(await catalog.load(table)).toMatchObject({
      metadataLocation: await metadataAt(table, '0'),
    })
  })

  it('does not know a table any more that was removed; a repeat says so', async () => {
    const table = await created('removed')
    const other = await created('kept')

    expect(await remover.remove(table)).toBe(true)
    expect(await remover.remove(table)).toBe(false)

    expect(await catalog.load(table)).toBeUndefined()
    expect(await catalog.load(other)).toBeDefined()
  })

  it('creates a table once', async () => {
    const table = await created('once')

    await expect(catalog.create(table, await input(table, 'other'))).rejects.toMatchObject({
      code: 'lake.commitConflict',
      retryable: true,
    })
    expect((await catalog.load(table))!.metadataLocation).toContain('/0.metadata.json')
  })

  describe('a swap', () => {
    it('moves the pointer and changes the version', async () => {
      const table = await created('swapped')
      const before = (await catalog.load(table))!

      const metadataLocation = await metadataAt(table, '1')
      await catalog.swap(table, { expectedVersion: before.version, metadataLocation })

      const after = (await catalog.load(table))!
      expect(after.metadataLocation).toBe(metadataLocation)
      expect(after.version).not.toBe(before.version)
    })

    it('with an old version is a conflict and changes nothing, however often', async () => {
      const table = await created('stale')
      const { version } = (await catalog.load(table))!
      const swap = async (metadata: string) =>
        catalog.swap(table, {
          expectedVersion: version,
          metadataLocation: await metadataAt(table, metadata),
        })
      await swap('won')

      // The second try has seen the newer entry; what it expects is still the old one.
      for (const metadata of ['won', 'lost']) {
        await expect(swap(metadata)).rejects.toMatchObject({
          code: 'lake.commitConflict',
          retryable: true,
        })
        expect((await catalog.load(table))!.metadataLocation).toBe(await metadataAt(table, 'won'))
      }
    })

    it('is won by exactly one of many rivals', async () => {
      const table = await created('raced')
      const { version } = (await catalog.load(table))!
      const rivals = await Promise.all(
        Array.from({ length: 6 }, (_, rival) => metadataAt(table, String(rival))),
      )

      const outcomes = await Promise.allSettled(
        rivals.map((metadataLocation) =>
          catalog.swap(table, { expectedVersion: version, metadataLocation }),
        ),
      )

      const winners = rivals.filter((_, rival) => outcomes[rival]!.status === 'fulfilled')
      expect(winners).toEqual([(await catalog.load(table))!.metadataLocation])
    })

    it('of a table that is not there is lake.tableNotFound', async () => {
      const swap = catalog.swap(
        { database, name: 'nowhere' },
        { expectedVersion: '0', metadataLocation: 's3://lake/x' },
      )

      await expect(swap).rejects.toMatchObject({ code: 'lake.tableNotFound', retryable: false })
    })
  })
}
