import { KinesisClient } from '@aws-sdk/client-kinesis'
import { describe, expect, it } from 'vitest'
import { KinesisShardLineage } from '#lib/adapters/kinesis/shard-lineage.ts'
import { START, sequenceNumber } from '#lib/domain/kernel/sequence-number.ts'
import { answering } from '../aws/fake-http.ts'

function lineageOf(...answers: readonly object[]) {
  const { requestHandler, requests } = answering(
    answers.map((body) => ({ status: '__type' in body ? 400 : 200, body: JSON.stringify(body) })),
  )
  const client = new KinesisClient({
    region: 'us-east-1',
    credentials: { accessKeyId: 'a', secretAccessKey: 's' },
    maxAttempts: 1,
    requestHandler,
  })
  const lineage = new KinesisShardLineage({
    client,
    streamArn: 'arn:aws:kinesis:us-east-1:123456789012:stream/trips',
  })
  const calls = () => requests.map(({ headers }) => headers['x-amz-target']!.split('.')[1])
  return { lineage, calls }
}

const CLOSED = { SequenceNumberRange: { StartingSequenceNumber: '1', EndingSequenceNumber: '9' } }
const OPEN = { SequenceNumberRange: { StartingSequenceNumber: '1' } }
const SHARDS = {
  Shards: [
    { ShardId: 'A', ...CLOSED },
    { ShardId: 'B', ParentShardId: 'A', ...CLOSED },
  ],
  NextToken: 'more',
}
const MORE = {
  Shards: [{ ShardId: 'C', ParentShardId: 'A', AdjacentParentShardId: 'B', ...OPEN }],
}
const ITERATOR = { ShardIterator: 'i' }
const EMPTY = { Records: [], MillisBehindLatest: 0 }
const A_RECORD = { Records: [{ SequenceNumber: '5', Data: '', PartitionKey: 'k' }] }

describe('the lineage of a stream’s shards', () => {
  it('has every shard of every page, with the parents of a split and of a merge', async () => {
    const { lineage } = lineageOf(SHARDS, MORE)

    expect([...(await lineage.parents())]).toEqual([
      ['A', []],
      ['B', ['A']],
      ['C', ['A', 'B']],
    ])
  })
})

describe('a shard', () => {
  it('is drained if it is closed and reading on comes to its end', async () => {
    const { lineage, calls } = lineageOf(
      SHARDS,
      MORE,
      ITERATOR,
      { ...EMPTY, NextShardIterator: 'j' },
      EMPTY,
    )

    expect(await lineage.isDrained('A', START)).toBe(true)
    expect(calls()).toEqual([
      'ListShards',
      'ListShards',
      'GetShardIterator',
      'GetRecords',
      'GetRecords',
    ])
  })

  it('is drained if it stays empty at its tip, whether or not the end is told', async () => {
    const page = { ...EMPTY, NextShardIterator: 'j' }
    const { lineage } = lineageOf(SHARDS, MORE, ITERATOR, page, page)

    expect(await lineage.isDrained('A', sequenceNumber('7'))).toBe(true)
  })

  it('is drained if the stream forgets it after it was listed', async () => {
    const { lineage } = lineageOf(SHARDS, MORE, { __type: 'ResourceNotFoundException' })

    expect(await lineage.isDrained('A', START)).toBe(true)
  })

  it('is not drained if a record comes after empty pages', async () => {
    const behind = { Records: [], MillisBehindLatest: 4_000, NextShardIterator: 'j' }
    const { lineage } = lineageOf(SHARDS, MORE, ITERATOR, behind, behind, behind, A_RECORD)

    expect(await lineage.isDrained('B', START)).toBe(false)
  })

  it('is not drained while it is open, however empty', async () => {
    const { lineage, calls } = lineageOf(SHARDS, MORE)

    expect(await lineage.isDrained('C', START)).toBe(false)
    expect(calls()).toEqual(['ListShards', 'ListShards'])
  })

  it('is drained if the stream has forgotten it', async () => {
    const { lineage } = lineageOf(SHARDS, MORE)

    expect(await lineage.isDrained('Z', START)).toBe(true)
  })
})
