import { describe, expect, it } from 'vitest'
import { checkContract, compileContract } from '#lib/domain/contract/compile-contract.ts'
import type { JsonValue } from '#lib/domain/kernel/json.ts'
import { contractDocument } from './contract-document.ts'

type Given = Readonly<Record<string, JsonValue>>

const documentOf = (given: Given) =>
  contractDocument([], {
    custom: Object.entries(given).map(([name, value]) => [`weir.${name}`, value] as const),
  })
const retentionOf = (given: Given) => compileContract(documentOf(given)).retention
function problemsOf(given: Given): readonly string[] {
  const checked = checkContract(documentOf(given))
  return checked.ok ? [] : checked.problems.map((one) => one.message)
}

describe('how raw is stored', () => {
  it('is hot and without a lock, unless the contract says otherwise', () => {
    expect(retentionOf({})).toEqual({ rawDays: 730, quarantineDays: 90, undecodableDays: 14 })
    expect(retentionOf({ rawColdAfterDays: 60, rawLockDays: 400 })).toMatchObject({
      rawCold: { afterDays: 60, to: 'infrequent' },
      rawLockDays: 400,
    })
    expect(retentionOf({ rawColdAfterDays: 90, rawColdClass: 'instant-archive' }).rawCold).toEqual({
      afterDays: 90,
      to: 'instant-archive',
    })
  })

  it('goes right up to what is consistent', () => {
    expect(problemsOf({ rawRetentionDays: 60, rawColdAfterDays: 30, rawLockDays: 60 })).toEqual([])
    expect(
      problemsOf({
        rawRetentionDays: 120,
        rawColdAfterDays: 30,
        rawColdClass: 'instant-archive',
      }),
    ).toEqual([])
    expect(
      problemsOf({ rawRetentionDays: 31, rawColdAfterDays: 30, rawColdClass: 'intelligent' }),
    ).toEqual([])
  })

  it.each<[string, Given, RegExp]>([
    [
      'a lock that outlasts retention',
      { rawRetentionDays: 60, rawLockDays: 61 },
      /locked for 61 days and kept for 60: .* write 60 or less/,
    ],
    [
      'days of a class that are billed past expiry',
      { rawRetentionDays: 60, rawColdAfterDays: 31 },
      /infrequent bills 30 days at least, and raw expires after 60: write 30 or less/,
    ],
    [
      'the same of an archive',
      { rawRetentionDays: 119, rawColdAfterDays: 30, rawColdClass: 'instant-archive' },
      /instant-archive bills 90 days at least, .*: write 29 or less/,
    ],
    [
      'a class that nothing reaches before it expires',
      { rawRetentionDays: 31, rawColdAfterDays: 31, rawColdClass: 'intelligent' },
      /raw expires after 31 days: write less/,
    ],
    [
      'an archive that has to be thawed',
      { rawColdAfterDays: 90, rawColdClass: 'deep-archive' },
      /is infrequent, instant-archive, intelligent, not "deep-archive"/,
    ],
    ['a class that is never reached', { rawColdClass: 'intelligent' }, /says nothing without/],
    ['a move sooner than S3 allows', { rawColdAfterDays: 29 }, /30/],
    [
      'a move while the stream may deliver again',
      { streamRetentionHours: 24 * 40, rawColdAfterDays: 30 },
      /for 40 days, .*: write 40 or more/,
    ],
  ])('refuses %s', (_what, given, message) => {
    expect(problemsOf(given).join('\n')).toMatch(message)
  })
})
