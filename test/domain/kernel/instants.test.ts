import { expect, it } from 'vitest'
import { CalendarDate, Timestamp } from '#lib/domain/kernel/instants.ts'

it.each([
  [0n, '1970-01-01T00:00:00.000000Z'],
  [-1n, '1969-12-31T23:59:59.999999Z'],
  [1_546_300_800_123_456n, '2019-01-01T00:00:00.123456Z'],
  [253_402_300_799_999_999n, '9999-12-31T23:59:59.999999Z'],
  [-62_135_596_800_000_000n, '0001-01-01T00:00:00.000000Z'],
])('%d microseconds are %s', (micros, text) => {
  expect(JSON.stringify(new Timestamp(micros))).toBe(JSON.stringify(text))
})

it.each([
  [0, '1970-01-01'],
  [-1, '1969-12-31'],
  [17_897, '2019-01-01'],
  [-719_162, '0001-01-01'],
])('%d days are %s', (days, text) => {
  expect(JSON.stringify(new CalendarDate(days))).toBe(JSON.stringify(text))
})
