import { KinesisClient, KinesisServiceException } from '@aws-sdk/client-kinesis'
import { describe, expect, it, vi } from 'vitest'
import { KinesisRecordSink } from '#lib/adapters/kinesis/kinesis-record-sink.ts'

const RECORDS = ['a', 'b'].map((key, i) => {
  return { partitionKey: key, hashKey: String(i), data: new Uint8Array([1]) }
})

function sinkAnswering(answer: () => unknown) {
  const client = new KinesisClient({ region: 'us-east-1' })
  const send = vi.spyOn(client, 'send').mockImplementation(async () => answer() as never)
  return { sink: new KinesisRecordSink({ client, streamName: 'stream' }), send }
}

function refusal(name: string, httpStatusCode: number) {
  return new KinesisServiceException({
    name,
    $fault: 'client',
    message: 'no',
    $metadata: { httpStatusCode },
  })
}

describe('Kinesis as a producer’s sink', () => {
  it('tells record by record what was accepted', async () => {
    const { sink } = sinkAnswering(() => ({
      Records: [
        { SequenceNumber: '1', ShardId: 's' },
        { ErrorCode: 'ProvisionedThroughputExceededException', ErrorMessage: 'slow down' },
      ],
    }))

    expect(await sink.put(RECORDS)).toEqual([
      { accepted: true },
      {
        accepted: false,
        retryable: true,
        reason: 'ProvisionedThroughputExceededException: slow down',
      },
    ])
  })

  it('places every record where its hash key says', async () => {
    const { sink, send } = sinkAnswering(() => ({ Records: [] }))

    await sink.put(RECORDS)

    expect(send.mock.calls[0]![0].input).toMatchObject({
      Records: [
        { PartitionKey: 'a', ExplicitHashKey: '0' },
        { PartitionKey: 'b', ExplicitHashKey: '1' },
      ],
    })
  })

  it('takes a record without an answer for not accepted', async () => {
    const { sink } = sinkAnswering(() => ({ Records: [{ SequenceNumber: '1' }] }))

    const outcomes = await sink.put(RECORDS)

    expect(outcomes.map((one) => one.accepted)).toEqual([true, false])
  })

  it('gives up at once what will be refused again', async () => {
    const { sink } = sinkAnswering(() => {
      throw refusal('ResourceNotFoundException', 400)
    })

    expect(await sink.put(RECORDS)).toEqual(
      RECORDS.map(() => {
        return { accepted: false, retryable: false, reason: 'ResourceNotFoundException: no' }
      }),
    )
  })

  it.each([
    ['LimitExceededException', 400],
    ['KMSThrottlingException', 400],
    ['InternalFailure', 500],
  ])('leaves the outcome of %s open', async (name, status) => {
    const { sink } = sinkAnswering(() => {
      throw refusal(name, status)
    })

    await expect(sink.put(RECORDS)).rejects.toThrow('no')
  })
})
