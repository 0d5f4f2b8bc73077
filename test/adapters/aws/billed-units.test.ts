import { describe, expect, it } from 'vitest'
import { billedUnits } from '#lib/adapters/aws/billed-units.ts'

const item = (bytes: number) => ({ pk: { S: 'x'.repeat(bytes - 2) } })

describe('what a call is billed', () => {
  it.each([
    [1, 1],
    [25 * 1024 - 3, 1],
    [25 * 1024 - 2, 2],
    [1024 * 1024 - 3, 41],
  ])('for a record of %d bytes and its key: %d units of 25 KB', (bytes, units) => {
    const Records = [{ Data: new Uint8Array(bytes), PartitionKey: 'key' }]
    const call = { service: 'Kinesis', operation: 'PutRecords', input: { Records } }

    expect(billedUnits(call)).toEqual({ 'kinesis.putPayloadUnits': units })
  })

  it.each([
    [100, 1],
    [1024, 1],
    [1025, 2],
  ])('for writing an item of %d bytes: %d units', (bytes, units) => {
    const call = { service: 'DynamoDB', operation: 'PutItem', input: { Item: item(bytes) } }

    expect(billedUnits(call)).toEqual({ 'dynamodb.writeUnits': units })
  })

  it('for reading: by 4 KB, half of it where an old answer will do, and for nothing as for little', () => {
    const read = (operation: string, input: object, output: object) =>
      billedUnits({
        service: 'DynamoDB',
        operation,
        input: { ...input },
        output: { ...output },
      })['dynamodb.readUnits']

    expect(read('GetItem', { ConsistentRead: true }, { Item: item(5_000) })).toBe(2)
    expect(read('GetItem', {}, { Item: item(5_000) })).toBe(1)
    expect(read('GetItem', { ConsistentRead: true }, {})).toBe(1)
    expect(read('Query', { ConsistentRead: true }, { Items: [item(3_000), item(3_000)] })).toBe(2)
    const asked = { RequestItems: { t: { Keys: [{}, {}, {}], ConsistentRead: true } } }
    expect(read('BatchGetItem', asked, { Responses: { t: [item(10), item(5_000)] } })).toBe(4)
  })

  it('for objects: a put, or a get at a twelfth of it', () => {
    const of = (operation: string) => billedUnits({ service: 'S3', operation, input: {} })

    expect(of('PutObject')).toEqual({ 's3.putRequests': 1 })
    expect(of('GetObject')).toEqual({ 's3.getRequests': 1 })
    expect(of('DeleteObject')).toEqual({})
  })

  it('is never nothing by accident: a call without a rule is an error', () => {
    for (const [service, operation] of [
      ['SQS', 'SendMessage'],
      ['S3', 'SelectObjectContent'],
      ['DynamoDB', 'TransactWriteItems'],
      ['Kinesis', 'SubscribeToShard'],
    ] as const) {
      expect(() => billedUnits({ service, operation, input: {} })).toThrow(
        `no rule says what ${service}.${operation} is billed`,
      )
    }
  })
})
