import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { commit } from '#lib/domain/lake/commit.ts'
import { evolvedSchema } from '#lib/domain/lake/evolve-schema.ts'
import type { TableField, TableSchema } from '#lib/domain/lake/schema.ts'
import { createTableIfAbsent, loadTable } from '#lib/domain/lake/table.ts'
import { BY_DAY, LOCATION, memoryLake, NAME, TRIPS, writeTrips } from './lake-fixture.ts'

const field = (id: number, more: Partial<TableField> = {}): TableField => ({
  id,
  name: `f${id}`,
  required: false,
  type: 'int',
  ...more,
})
const schema = (...fields: readonly TableField[]): TableSchema => ({ fields })

describe('a table that has to hold rows of another schema', () => {
  it.each<[string, TableField, TableField, TableField | undefined]>([
    ['the same', field(1), field(1), undefined],
    ['a longer integer', field(1), field(1, { type: 'long' }), field(1, { type: 'long' })],
    ['a shorter integer', field(1, { type: 'long' }), field(1), undefined],
    [
      'more digits',
      field(1, { type: 'decimal(9, 2)' }),
      field(1, { type: 'decimal(12, 2)' }),
      field(1, { type: 'decimal(12, 2)' }),
    ],
    [
      'fewer digits',
      field(1, { type: 'decimal(12, 2)' }),
      field(1, { type: 'decimal(9, 2)' }),
      undefined,
    ],
    ['no longer required', field(1, { required: true }), field(1), field(1)],
    ['still optional', field(1), field(1, { required: true }), undefined],
    ['other words', field(1, { doc: 'a' }), field(1, { doc: 'b' }), field(1, { doc: 'b' })],
    ['no words', field(1, { doc: 'a' }), field(1), undefined],
  ])('%s', (_case, table, wanted, expected) => {
    const evolved = evolvedSchema(schema(table), schema(wanted))

    expect(evolved).toEqual(expected === undefined ? undefined : schema(expected))
  })

  it('gets new fields behind its own, never as required ones, and loses none', () => {
    const wanted = schema(field(3, { required: true }), field(1))

    expect(evolvedSchema(schema(field(1), field(2)), wanted)).toEqual(
      schema(field(1), field(2), field(3)),
    )
  })

  it.each<[string, Partial<TableField>, Partial<TableField>]>([
    ['another name', {}, { name: 'other' }],
    ['another type', {}, { type: 'string' }],
    ['another scale', { type: 'decimal(9, 2)' }, { type: 'decimal(9, 3)' }],
    ['an integer as a decimal', {}, { type: 'decimal(9, 0)' }],
  ])('is not given %s', (_case, is, wanted) => {
    expect(() => evolvedSchema(schema(field(1, is)), schema(field(1, wanted)))).toThrow(
      expect.objectContaining({ code: 'lake.schemaConflict' }),
    )
  })

  it('ends alike in whichever order versions of the contract commit', () => {
    const version = fc.uniqueArray(
      fc.record({
        id: fc.integer({ min: 1, max: 6 }),
        required: fc.boolean(),
        type: fc.constantFrom('int' as const, 'long' as const),
      }),
      { selector: (one) => one.id },
    )
    const first = schema(...[1, 2, 3].map((id) => field(id, { required: true })))
    const evolved = (...versions: TableSchema[]) =>
      versions
        .reduce((table, wanted) => evolvedSchema(table, wanted) ?? table, first)
        .fields.toSorted((a, b) => a.id - b.id)

    fc.assert(
      fc.property(version, version, (a, b) => {
        const [one, two] = [a, b].map((fields) =>
          schema(...fields.map((more) => field(more.id, more))),
        )
        expect(evolved(one!, two!)).toEqual(evolved(two!, one!))
        expect(evolved(one!, two!, one!)).toEqual(evolved(one!, two!))
      }),
    )
  })
})

describe('a commit that needs a wider schema', () => {
  const CREATE = { name: NAME, location: LOCATION, schema: TRIPS, spec: BY_DAY }
  const WIDE: TableSchema = {
    fields: [...TRIPS.fields, { id: 13, name: 'tip', required: false, type: 'long' }],
  }
  const append = (files: Awaited<ReturnType<typeof writeTrips>>, wanted: TableSchema) => () => ({
    files,
    schema: wanted,
    summary: {},
    setProperties: () => ({}),
  })

  it('tells the catalog its columns, and only then', async () => {
    const lake = memoryLake()
    const told: (TableSchema | undefined)[] = []
    const { swap } = lake.catalog
    lake.catalog.swap = async (name, input) => {
      told.push(input.schema)
      return swap.call(lake.catalog, name, input)
    }
    await createTableIfAbsent(lake, CREATE)

    await commit(lake, NAME, append(await writeTrips(lake, 'a', 1), TRIPS))
    await commit(lake, NAME, append(await writeTrips(lake, 'b', 1), WIDE))
    await commit(lake, NAME, append(await writeTrips(lake, 'c', 1), WIDE))

    expect(told).toEqual([undefined, WIDE, undefined])
  })

  it('keeps what other engines noted at a field', async () => {
    const lake = memoryLake()
    const created = await createTableIfAbsent(lake, CREATE)
    const [first, ...rest] = created.metadata.schemas[0]!.fields
    Object.assign(created.metadata.schemas[0]!, {
      fields: [{ ...first, 'write-default': 'x' }, ...rest],
    })
    const { encodeTableMetadata } = await import('#lib/domain/lake/table-metadata.ts')
    await lake.objects.put(created.metadataLocation, encodeTableMetadata(created.metadata))

    const { table } = await commit(lake, NAME, append([], WIDE))

    expect(table.metadata.schemas[1]?.fields[0]).toEqual({ ...first, 'write-default': 'x' })
  })

  it('starts from what a rival has made of the schema meanwhile', async () => {
    const lake = memoryLake()
    await createTableIfAbsent(lake, CREATE)
    const rival: TableSchema = {
      fields: [...TRIPS.fields, { id: 14, name: 'toll', required: false, type: 'int' }],
    }
    const files = await writeTrips(lake, 'a', 1)
    let attempts = 0

    await commit(lake, NAME, async () => {
      if (attempts++ === 0) {
        await commit(lake, NAME, append(await writeTrips(lake, 'r', 1), rival))
      }
      return append(files, WIDE)()
    })

    const { metadata, schema: now } = (await loadTable(lake, NAME))!
    expect(attempts).toBe(2)
    expect(now.fields.map(({ id }) => id)).toEqual([10, 11, 12, 14, 13])
    expect(metadata.schemas.map((one) => one['schema-id'])).toEqual([0, 1, 2])
    expect(metadata.snapshots.map((one) => one['schema-id'])).toEqual([1, 2])
  })
})
