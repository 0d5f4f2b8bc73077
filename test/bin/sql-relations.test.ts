import { describe, expect, it } from 'vitest'
import { relationsIn } from '../../bin/commands/sql-relations.ts'

const tables = (sql: string) => relationsIn(sql).map((one) => one.path.join('.'))

describe('the tables that a statement reads', () => {
  it.each([
    ['select * from trips', ['trips']],
    ['select * from "weir"."trips" t where t.a = 1', ['weir.trips']],
    ['select * from AwsDataCatalog.weir.Trips', ['awsdatacatalog.weir.trips']],
    ['select * from a, b as x, lateral (select 1 from c) y, d', ['a', 'b', 'c', 'd']],
    ['select * from a join b using (x, y) left join c on a.x = c.x, d', ['a', 'b', 'c', 'd']],
    ['select * from (a join b on a.x = b.x) join c on true', ['a', 'b', 'c']],
    ['select * from ((select x from a) union all (select x from b))', ['a', 'b']],
    ['select (select max(x) from a), y from b order by x, y', ['a', 'b']],
    ['select * from a where x in (select x from b) and exists (select 1 from c)', ['a', 'b', 'c']],
    ['explain analyze select * from a', ['a']],
    ['select \'from nothing\', "from" from a -- from b\n /* from c */', ['a']],
    ['select * from a tablesample bernoulli (10), b', ['a', 'b']],
  ])('%s', (sql, expected) => {
    expect(tables(sql)).toEqual(expected)
  })

  it.each([
    [
      'a name that with has given',
      'with x as (select * from a), y (c) as (select c from x) select * from y, X',
      ['a'],
    ],
    ['the from of a function', 'select extract(year from trips), trim(both from b) from a', ['a']],
    [
      'a comparison',
      'select * from a where x is distinct from y and x is not distinct from z',
      ['a'],
    ],
    [
      'a function that gives rows',
      'select * from a cross join unnest(a.list) as t (x), table(f(1))',
      ['a'],
    ],
    ['commas behind the relations', 'select a.x, a.y from a group by x, y order by x, y', ['a']],
  ])('are not: %s', (_what, sql, expected) => {
    expect(tables(sql)).toEqual(expected)
  })

  it('are told with the place behind the name, and whether a version follows', () => {
    const sql = 'select * from weir.trips t join "x y" for version as of 7 as u on true'

    const [trips, other] = relationsIn(sql)

    expect(sql.slice(0, trips?.end)).toBe('select * from weir.trips')
    expect(sql.slice(0, other?.end)).toMatch(/"x y"$/)
    expect([trips?.isVersioned, other?.isVersioned]).toEqual([false, true])
  })
})
