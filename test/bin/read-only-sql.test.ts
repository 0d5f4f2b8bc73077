import { describe, expect, it } from 'vitest'
import { requireReading } from '../../bin/commands/read-only-sql.ts'

describe('a query', () => {
  it.each([
    'select 1',
    '  SELECT 1',
    '\n\t(select 1) union (select 2)',
    '((with a as (select 1) select * from a))',
    '-- what I drop\nselect 1',
    '/* drop table trips */ select 1',
    '/* a */ -- b\n ( /* c */ select 1)',
    'values (1), (2)',
    'show tables',
    'describe trips',
    'Explain select 1',
    'explain analyze verbose select 1',
    'explain (type distributed, format json) select 1',
    'explain (select 1)',
  ])('may read: %j', (sql) => {
    expect(() => requireReading(sql)).not.toThrow()
  })

  it.each([
    ['drop table trips', 'drop'],
    ['-- select\nDELETE from trips', 'delete'],
    ['/* select 1 */insert into trips select 1', 'insert'],
    ['(create table a as select 1)', 'create'],
    ['alter table trips set tblproperties (a = 1)', 'alter'],
    ['msck repair table trips_raw', 'msck'],
    ['optimize trips rewrite data using bin_pack', 'optimize'],
    ['explain analyze insert into trips select 1', 'insert'],
    ['explain (type io) -- x\n drop table trips', 'drop'],
    ['explain analyze verbose delete from trips', 'delete'],
    ['selecting', 'selecting'],
  ])('may not write: %j', (sql, word) => {
    expect(() => requireReading(sql)).toThrow(
      `query only reads, so "${word}" is refused: start with select, with, values, show, describe or explain`,
    )
  })

  it('needs a word at all', () => {
    for (const sql of ['/* never ends', '-- select 1', '((', ';', '1']) {
      expect(() => requireReading(sql)).toThrow('query only reads')
    }
  })
})
