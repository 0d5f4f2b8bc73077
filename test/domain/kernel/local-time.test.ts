import fc from 'fast-check'
import { Temporal } from 'temporal-polyfill'
import { describe, expect, it } from 'vitest'
import { isTimeZone, localToUtc } from '#lib/domain/kernel/local-time.ts'

const newYork = localToUtc('America/New_York')

function seconds(text: string): number {
  return Date.parse(text) / 1000
}

describe('local time', () => {
  it.each([
    ['winter', '2019-01-03T08:49:57Z', '2019-01-03T13:49:57Z'],
    ['summer', '2019-07-03T08:49:57Z', '2019-07-03T12:49:57Z'],
    ['the second before the clock jumps', '2019-03-10T01:59:59Z', '2019-03-10T06:59:59Z'],
    ['the first skipped second, moved by the gap', '2019-03-10T02:00:00Z', '2019-03-10T07:00:00Z'],
    ['the last skipped second, moved by the gap', '2019-03-10T02:59:59Z', '2019-03-10T07:59:59Z'],
    ['the second after the jump', '2019-03-10T03:00:00Z', '2019-03-10T07:00:00Z'],
    ['the second before an hour occurs twice', '2019-11-03T00:59:59Z', '2019-11-03T04:59:59Z'],
    ['an hour that occurs twice: the earlier', '2019-11-03T01:00:00Z', '2019-11-03T05:00:00Z'],
    ['its last second: the earlier', '2019-11-03T01:59:59Z', '2019-11-03T05:59:59Z'],
    ['the second after it', '2019-11-03T02:00:00Z', '2019-11-03T07:00:00Z'],
    ['the last second of a year', '2018-12-31T23:59:59Z', '2019-01-01T04:59:59Z'],
  ])('converts New York time: %s', (_case, local, utc) => {
    expect(newYork(seconds(local))).toBe(seconds(utc))
  })

  it('agrees with Temporal in every zone and year', () => {
    const zones = [
      'America/New_York',
      'Europe/Amsterdam',
      'Asia/Kolkata',
      'Africa/Casablanca',
      'Pacific/Apia',
      'Australia/Lord_Howe',
      'Etc/UTC',
    ]
    const second = fc.integer({
      min: seconds('1890-01-01T00:00:00Z'),
      max: seconds('2110-01-01T00:00:00Z'),
    })
    fc.assert(
      fc.property(fc.constantFrom(...zones), second, (zone, local) => {
        expect(localToUtc(zone)(local)).toBe(byTemporal(zone, local))
      }),
      { numRuns: 400 },
    )
  })

  it('agrees with Temporal around every transition of two centuries', () => {
    for (const zone of ['America/New_York', 'Pacific/Apia']) {
      for (const transition of transitions(zone)) {
        for (const offset of [-90_000, -7200, -3601, -1, 0, 1, 1800, 3600, 7200, 90_000]) {
          const local = transition + offset
          expect([zone, local, localToUtc(zone)(local)]).toEqual([
            zone,
            local,
            byTemporal(zone, local),
          ])
        }
      }
    }
  })

  it('refuses what is no zone of the IANA database', () => {
    for (const zone of ['', 'Mars/Olympus', '+05:00', '../etc/passwd', 'x'.repeat(1000)]) {
      expect(isTimeZone(zone)).toBe(false)
      expect(() => localToUtc(zone)).toThrow('not an IANA time zone')
    }
  })
})

function byTemporal(zone: string, local: number): number {
  const plain = Temporal.Instant.fromEpochMilliseconds(local * 1000)
    .toZonedDateTimeISO('UTC')
    .toPlainDateTime()
  return plain.toZonedDateTime(zone).epochMilliseconds / 1000
}

/** Local wall-clock seconds at which the offset changes, on the clock before and the clock after. */
function transitions(zone: string): number[] {
  const found: number[] = []
  let at = Temporal.Instant.from('1900-01-01T00:00:00Z').toZonedDateTimeISO(zone)
  for (let next = at.getTimeZoneTransition('next'); next !== null && next.year < 2100; ) {
    const instant = next.epochMilliseconds / 1000
    found.push(instant + at.offsetNanoseconds / 1e9, instant + next.offsetNanoseconds / 1e9)
    at = next
    next = at.getTimeZoneTransition('next')
  }
  return found
}
