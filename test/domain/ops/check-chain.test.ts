import { describe, expect, it } from 'vitest'
import type { JournalEntry } from '#lib/domain/ingest/journal.ts'
import { rawUri } from '#lib/domain/ingest/layout.ts'
import { type Predecessor, START, sequenceNumber } from '#lib/domain/kernel/sequence-number.ts'
import { chainProblems, shardInUri } from '#lib/domain/ops/check-chain.ts'

const SHARD = 'shardId-000000000000'
const LAYOUT = { bucket: 'b', region: 'us-east-1', product: 'trips' }
const at = (digits: number) => sequenceNumber(String(digits))
const uriAfter = (prev: Predecessor) => rawUri(LAYOUT, '2026-01-01', SHARD, prev)

function entry(prev: Predecessor, first: number, last: number): JournalEntry {
  return {
    shard: SHARD,
    prev,
    first: at(first),
    last: at(last),
    contractVersion: '1.0.0',
    rawUri: uriAfter(prev),
    counts: { received: 1, admitted: 1, duplicate: 0, rejected: 0 },
    arrival: { min: 0, max: 0, last: 0, greatest: 0 },
  }
}

const CHAIN = [entry(START, 1, 9), entry(at(9), 10, 20), entry(at(20), 25, 100)]
const RAW = new Set(CHAIN.map((one) => one.rawUri))

describe('the chain of a shard', () => {
  it('is sound if every entry follows the one before it and has its raw object', () => {
    expect(chainProblems(SHARD, at(100), CHAIN, RAW)).toEqual([])
    expect(chainProblems(SHARD, START, [], new Set())).toEqual([])
  })

  it('may go on in raw after the cut', () => {
    const ahead = new Set([...RAW, uriAfter(at(100)), uriAfter(at(130))])

    expect(chainProblems(SHARD, at(100), CHAIN, ahead)).toEqual([])
    expect(chainProblems(SHARD, START, [], new Set([uriAfter(START)]))).toEqual([])
  })

  it('shows a missing entry', () => {
    const problems = chainProblems(SHARD, at(100), [CHAIN[0]!, CHAIN[2]!], RAW)

    expect(problems).toEqual([
      `the entry up to ${at(100)} follows ${at(20)}, the one before it ends at ${at(9)}`,
      `raw object ${uriAfter(at(9))} has no entry`,
    ])
  })

  it('shows a missing raw object', () => {
    const problems = chainProblems(SHARD, at(100), CHAIN, new Set([...RAW].slice(1)))

    expect(problems).toEqual([`raw object ${uriAfter(START)} is missing`])
  })

  it('does not miss a raw object that retention may have removed', () => {
    const isDue = (uri: string) => uri === uriAfter(START)
    const left = new Set([...RAW].slice(1))

    expect(chainProblems(SHARD, at(100), CHAIN, left, isDue)).toEqual([])
    expect(chainProblems(SHARD, at(100), CHAIN, new Set(), isDue)).toEqual([
      `raw object ${uriAfter(at(9))} is missing`,
      `raw object ${uriAfter(at(20))} is missing`,
    ])
  })

  it('shows a table that is where no entry ends', () => {
    expect(chainProblems(SHARD, at(99), CHAIN.slice(0, 2), new Set([...RAW].slice(0, 2)))).toEqual([
      `the table is at ${at(99)}, where no entry ends (the last is ${at(20)})`,
    ])
  })

  it('shows an entry that starts outside of its own range', () => {
    const odd = [entry(START, 30, 9)]

    expect(chainProblems(SHARD, at(9), odd, new Set([uriAfter(START)]))).toHaveLength(1)
  })

  it('shows a raw object whose name is none of ours', () => {
    const stranger = `s3://b/raw/region=us-east-1/date=2026-01-01/${SHARD}-what.json.zst`

    expect(chainProblems(SHARD, START, [], new Set([stranger]))).toEqual([
      `raw object ${stranger} has no entry`,
    ])
  })

  it('finds the shard in a raw object’s name', () => {
    expect(shardInUri(uriAfter(START))).toBe(SHARD)
    expect(shardInUri(uriAfter(at(9)))).toBe(SHARD)
    expect(shardInUri('s3://b/raw/other.txt')).toBeUndefined()
  })
})
