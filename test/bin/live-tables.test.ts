import { expect, it } from 'vitest'
import { viewsIn, withTables } from '../../bin/commands/live-tables.ts'

const SQL =
  "select '{zone-fares}', 'it''s {x}', a from {zone-fares} join {other} using (k) where {zone-fares}.b"

it('a view in braces stands for its table, but not inside of a text', () => {
  const tables = new Map([
    ['zone-fares', 'trips_zone_fares__v2'],
    ['other', 'trips_other'],
  ])

  expect(viewsIn(SQL)).toEqual(['zone-fares', 'other'])
  expect(withTables(SQL, tables)).toBe(
    "select '{zone-fares}', 'it''s {x}', a from trips_zone_fares__v2 join trips_other using (k) where trips_zone_fares__v2.b",
  )
})

it('what is no view stays as it is', () => {
  expect(viewsIn('select 1 -- {} {1}')).toEqual([])
  expect(withTables('select {1}', new Map())).toBe('select {1}')
})
