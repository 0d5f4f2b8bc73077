import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { describe, expect, it } from 'vitest'
import { DynamoDbJournal } from '#lib/adapters/dynamodb/dynamodb-journal.ts'
import { DynamoDbSlotStore } from '#lib/adapters/dynamodb/dynamodb-slot-store.ts'
import { sequenceNumber } from '#lib/domain/kernel/sequence-number.ts'
import { type Answer, answering } from '#test/adapters/aws/fake-http.ts'

function clientThatMeets(answers: readonly object[]) {
  const { requestHandler, requests } = answering(
    answers.map((body): Answer => ({ status: 200, body: JSON.stringify(body) })),
  )
  const client = new DynamoDBClient({
    region: 'us-east-1',
    credentials: { accessKeyId: 'x', secretAccessKey: 'x' },
    requestHandler,
    maxAttempts: 1,
  })
  const sent = () =>
    requests.map((one) =>
      JSON.parse(
        Buffer.from((one as unknown as { body: Uint8Array | string }).body as never).toString(),
      ),
    )
  return { client, sent }
}

describe('the journal in DynamoDB', () => {
  it('reads consistently, whatever it reads', async () => {
    const { client, sent } = clientThatMeets([
      { Items: [] },
      { Items: [] },
      { Items: [] },
      {},
      { Items: [] },
    ])
    const journal = new DynamoDbJournal({ client, tableName: 't' })
    await journal.shards()
    await journal.head('s')
    await journal.entriesAfter('s', sequenceNumber('1'), 5)
    await journal.registration('s')
    for await (const _ of journal.newestFirst('s')) break
    expect(sent().map((one) => one.ConsistentRead)).toEqual([true, true, true, true, true])
  })

  it('goes on after a page that was cut at its size before the limit', async () => {
    const item = (n: number) => ({ body: { S: JSON.stringify({ last: `00${n}` }) } })
    const { client, sent } = clientThatMeets([
      { Items: [item(1)], LastEvaluatedKey: { pk: { S: 's' }, sk: { S: '1' } } },
      { Items: [item(2)] },
    ])
    const found = await new DynamoDbJournal({ client, tableName: 't' }).entriesAfter(
      's',
      'start',
      5,
    )
    expect(found).toHaveLength(2)
    expect(sent()[1].ExclusiveStartKey).toBeDefined()
  })
})

it('slots that DynamoDB leaves unprocessed are asked for again', async () => {
  const key = { view: 'v', key: 'k', paneStart: 0, shard: 's' }
  const keys = { pk: { S: 'slot#v#k' }, sk: { S: '1970-01-01T00:00:00.000Z#s' } }
  const item = {
    ...keys,
    states: { S: '{}' },
    sequence: { S: sequenceNumber('1') },
    computedAt: { N: '1' },
    firstEvent: { N: '1' },
    lastEvent: { N: '1' },
  }
  const { client, sent } = clientThatMeets([
    { Responses: { t: [] }, UnprocessedKeys: { t: { Keys: [keys] } } },
    { Responses: { t: [item] } },
  ])
  expect(await new DynamoDbSlotStore({ client, tableName: 't' }).read([key])).toHaveLength(1)
  expect(sent().every((one) => one.RequestItems.t.ConsistentRead)).toBe(true)
})
