import { describe, expect, it } from 'vitest'
import { MemoryJournal } from '#lib/adapters/memory/memory-journal.ts'
import type { JournalEntry } from '#lib/domain/ingest/journal.ts'
import { type Predecessor, START, sequenceNumber } from '#lib/domain/kernel/sequence-number.ts'
import { fencesSummary } from '#lib/domain/lake/fences.ts'
import type { Snapshot } from '#lib/domain/lake/table.ts'
import { CommitTimes, newestCommitted, quantile } from '#lib/domain/ops/freshness.ts'

const at = (digits: number) => sequenceNumber(String(digits))

function snapshot(timestampMs: number, fences?: Record<string, Predecessor>): Snapshot {
  return {
    snapshotId: BigInt(timestampMs),
    sequenceNumber: 1,
    timestampMs,
    manifestList: '',
    summary: fences ? fencesSummary(fences) : {},
  }
}

function entry(shard: string, last: number, arrivalMicros: number): JournalEntry {
  return {
    shard,
    prev: START,
    first: at(last),
    last: at(last),
    contractVersion: '1.0.0',
    rawUri: '',
    counts: { received: 1, admitted: 1, duplicate: 0, rejected: 0 },
    arrival: {
      min: arrivalMicros,
      max: arrivalMicros,
      last: arrivalMicros,
      greatest: arrivalMicros,
    },
  }
}

describe('when a position became readable', () => {
  const times = new CommitTimes([
    snapshot(1_000, { a: at(9) }),
    snapshot(2_000, { a: at(9), b: at(5) }),
    snapshot(2_500),
    snapshot(3_000, { a: at(20), b: at(5) }),
  ])

  it('is the time of the first snapshot whose fence has reached it', () => {
    expect(times.of('a', at(1))).toBe(1_000)
    expect(times.of('a', at(9))).toBe(1_000)
    expect(times.of('a', at(10))).toBe(3_000)
    expect(times.of('b', at(5))).toBe(2_000)
  })

  it('is unknown past the fence and for other shards', () => {
    expect(times.of('a', at(21))).toBeUndefined()
    expect(times.of('c', at(1))).toBeUndefined()
  })
})

describe('the newest committed entry', () => {
  it('is the one that arrived last, among those within the fences', async () => {
    const journal = new MemoryJournal()
    for (const one of [entry('a', 1, 100), entry('a', 2, 900), entry('b', 1, 300)]) {
      await journal.append(one)
    }

    const newest = await newestCommitted(journal, { a: at(1), b: at(1) })

    expect([newest?.shard, newest?.last]).toEqual(['b', at(1)])
    expect(await newestCommitted(journal, {})).toBeUndefined()
  })
})

describe('quantile', () => {
  it('weighs each value with its rows', () => {
    const values = [
      { value: 30, weight: 5 },
      { value: 10, weight: 90 },
      { value: 20, weight: 5 },
    ]

    expect([0.5, 0.9, 0.95, 1].map((share) => quantile(values, share))).toEqual([10, 10, 20, 30])
  })

  it('knows nothing without rows', () => {
    expect(quantile([], 0.5)).toBeUndefined()
    expect(quantile([{ value: 1, weight: 0 }], 0.5)).toBeUndefined()
  })
})
