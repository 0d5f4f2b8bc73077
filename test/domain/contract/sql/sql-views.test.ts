import { describe, expect, it } from 'vitest'
import { versionsOf } from '#lib/domain/contract/contract-versions.ts'
import { savedQueriesOf } from '#lib/domain/contract/sql/saved-queries.ts'
import { sqlViewsOf } from '#lib/domain/contract/sql/sql-views.ts'
import { productOfFile } from '#test/support/product-of-file.ts'
import { fieldOf, productOf } from '#test/support/synth-product.ts'

const first = productOf({
  product: 'readings',
  version: '1.4.0',
  fields: [
    fieldOf({ id: 10, name: 'sensor' }),
    fieldOf({ id: 11, name: 'value', type: { kind: 'int' } }),
    fieldOf({ id: 12, name: 'at', type: { kind: 'timestamp' } }),
    fieldOf({ id: 13, name: 'price', type: { kind: 'decimal', precision: 9, scale: 2 } }),
    fieldOf({ id: 14, name: 'code', type: { kind: 'string' } }),
  ],
  eventTime: 'at',
}).contract
const second = {
  ...first,
  version: '2.0.0',
  partitioning: [{ field: 'device', transform: 'identity' }] as const,
  fields: [
    fieldOf({ id: 10, name: 'device' }),
    fieldOf({ id: 11, name: 'value', type: { kind: 'long' } }),
    fieldOf({ id: 12, name: 'at', type: { kind: 'timestamp' } }),
    fieldOf({ id: 13, name: 'price', type: { kind: 'decimal', precision: 12, scale: 2 } }),
    fieldOf({ id: 14, name: 'code', type: { kind: 'int' } }),
    fieldOf({ id: 15, name: 'unit' }),
  ],
}
const viewOf = (name: string, ...contracts: (typeof first)[]) =>
  sqlViewsOf(versionsOf(contracts)).find((view) => view.name === name)

describe('the current view of a product', () => {
  it('reads the table of its one major, column by column', () => {
    const { sql, columns } = viewOf('readings_current', first)!

    expect(sql).toMatch(/^select\n {2}"event_id",\n/)
    expect(sql).toMatch(/ {2}1 as "contract_major"\nfrom "readings"$/)
    expect(sql.match(/^ {2}/gm)).toHaveLength(columns.length)
  })

  it('takes a column of an older major by its id, widened where that loses nothing, else null', () => {
    const { sql, columns } = viewOf('readings_current', first, second)!
    const [older, newer] = sql.split('\nunion all\n')

    expect(older).toContain('"sensor" as "device"')
    expect(older).toContain('cast("value" as bigint) as "value"')
    expect(older).toContain('cast("price" as decimal(12,2)) as "price"')
    expect(older).toContain('cast(null as integer) as "code"')
    expect(older).toContain('cast(null as varchar) as "unit"')
    expect(older).toMatch(/1 as "contract_major"\nfrom "readings"$/)
    expect(newer).toMatch(/2 as "contract_major"\nfrom "readings_v2"$/)
    expect(newer).not.toContain('cast')
    expect(columns.map(({ name, type }) => [name, type])).toContainEqual(['value', 'long'])
  })
})

describe('the counts per day', () => {
  it('are by day of event time and by what else the table is parted', () => {
    const { sql, columns } = viewOf('readings_daily', first, second)!

    expect(sql).toContain(`cast("at" at time zone 'UTC' as date) as "day"`)
    expect(sql).toMatch(/from "readings_current"\ngroup by 1, 2$/)
    expect(columns.map(({ name }) => name)).toEqual([
      'day',
      'device',
      'row_count',
      'first_arrival',
      'last_arrival',
    ])
  })
})

describe('a product of changes', () => {
  const contracts = versionsOf([
    productOfFile('test/fixtures/customers/contract.yaml').sources[0]!.contract,
  ])

  it('has a view of the rows that exist, and a saved query that finds them among all changes', () => {
    const [current] = sqlViewsOf(contracts)

    expect(sqlViewsOf(contracts).map(({ name }) => name)).toEqual([
      'customers_current',
      'customers_daily',
      'customers_rejections',
    ])
    expect(current?.sql).toMatch(/\nfrom "customers_latest"\nwhere "op" <> 'd'$/)
    expect(savedQueriesOf(contracts).map(({ name }) => name)).toContain(
      'customers: rows by their changes',
    )
  })
})
