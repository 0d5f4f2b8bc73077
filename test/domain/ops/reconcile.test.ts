import { describe, expect, it } from 'vitest'
import { sequenceNumber } from '#lib/domain/kernel/sequence-number.ts'
import { reconcile, type ShardEvidence } from '#lib/domain/ops/reconcile.ts'

const SOUND: ShardEvidence = {
  shard: 'shard-0',
  cut: sequenceNumber('9'),
  inStream: 80,
  rawBeforeStream: 20,
  expired: { raw: 0, quarantined: 0 },
  raw: 100,
  rawPositions: 100,
  decided: { received: 100, admitted: 90, duplicate: 7, rejected: 3 },
  curated: 90,
  curatedPositions: 90,
  quarantined: 3,
  afterCut: { raw: 0, curated: 0, quarantined: 0 },
  inFlight: 0,
  chainProblems: [],
}

describe('reconcile', () => {
  it('balances if every store tells the same, and sums over shards', () => {
    const result = reconcile([SOUND, { ...SOUND, shard: 'shard-1' }])

    expect(result).toMatchObject({
      received: 200,
      admitted: 180,
      duplicate: 14,
      rejected: 6,
      raw: 200,
      curated: 180,
      quarantined: 6,
      inFlight: 0,
      balanced: true,
      problems: [],
    })
    expect(result.shards.map((one) => one.received)).toEqual([100, 100])
  })

  it('balances when nothing ever happened', () => {
    expect(reconcile([])).toMatchObject({ received: 0, balanced: true })
  })

  it('does not call events in flight a disagreement, but does not balance with them', () => {
    const result = reconcile([{ ...SOUND, inFlight: 5, afterCut: { ...SOUND.afterCut, raw: 5 } }])

    expect(result).toMatchObject({ received: 105, inFlight: 5, balanced: false, problems: [] })
  })

  it('takes the journal’s word for what retention may have removed, and says how much that is', () => {
    const expired = { raw: 30, quarantined: 2 }
    const old = { ...SOUND, expired, rawBeforeStream: 0, inStream: 70, raw: 70, rawPositions: 70 }
    const result = reconcile([SOUND, { ...old, quarantined: 1 }])

    expect(result).toMatchObject({ received: 200, raw: 170, quarantined: 4, expired })
    expect(result).toMatchObject({ balanced: true, problems: [] })
    expect(reconcile([{ ...old, raw: 69, rawPositions: 69 }]).problems).toEqual([
      'shard-0: received 100, but raw holds 69 and 30 expired',
      'shard-0: rejected 3, but quarantine holds 3 and 2 expired',
    ])
  })

  it.each<[string, Partial<ShardEvidence>, string]>([
    ['an event that raw lacks', { raw: 99, rawPositions: 99 }, 'received 100, but raw holds 99'],
    ['an event twice in raw', { rawPositions: 99 }, 'raw holds 1 lines more than once'],
    [
      'an event that nobody decided',
      { inStream: 81, raw: 101, rawPositions: 101 },
      'received 101, but the journal decided 100',
    ],
    [
      'an admitted event without a row',
      { curated: 89, curatedPositions: 89 },
      'admitted 90, but the table holds 89',
    ],
    ['a row twice', { curatedPositions: 89 }, 'the table holds 1 rows more than once'],
    [
      'a rejected event that quarantine lacks',
      { quarantined: 2 },
      'rejected 3, but quarantine holds 2',
    ],
    [
      'a verdict too many',
      { decided: { received: 100, admitted: 90, duplicate: 8, rejected: 3 } },
      'the journal received 100, but admitted 90 + duplicate 8 + rejected 3',
    ],
    [
      'rows past the fence',
      { afterCut: { raw: 0, curated: 4, quarantined: 0 } },
      'the table holds 4 rows past its own fence',
    ],
    ['a broken chain', { chainProblems: ['raw object x is missing'] }, 'raw object x is missing'],
  ])('names %s and its shard', (_, change, problem) => {
    const result = reconcile([SOUND, { ...SOUND, shard: 'shard-1', ...change }])

    expect(result.problems).toEqual([`shard-1: ${problem}`])
    expect(result.balanced).toBe(false)
  })
})
