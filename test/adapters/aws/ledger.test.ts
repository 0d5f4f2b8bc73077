import { GetTableCommand, GlueClient } from '@aws-sdk/client-glue'
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { describe, expect, it } from 'vitest'
import { createLedger } from '#lib/adapters/aws/ledger.ts'
import { answering } from './fake-http.ts'

const credentials = { accessKeyId: 'test', secretAccessKey: 'test' }

describe('a ledger', () => {
  it('counts every try of a call, also those that fail, with the bytes sent', async () => {
    const ledger = createLedger()
    const { requestHandler } = answering([503, 503, 200])
    const client = new S3Client({ region: 'us-east-1', credentials, requestHandler })
    ledger.attach(client)

    await client.send(new PutObjectCommand({ Bucket: 'b', Key: 'k', Body: new Uint8Array(10) }))

    expect(ledger.snapshot()).toEqual({ 'S3.PutObject': { calls: 3, requestBytes: 30 } })
  })

  it('keeps services and operations apart, over several clients, until it is reset', async () => {
    const ledger = createLedger()
    const { requestHandler } = answering([])
    const s3 = new S3Client({ region: 'us-east-1', credentials, requestHandler })
    const glue = new GlueClient({ region: 'us-east-1', credentials, requestHandler })
    ledger.attach(s3)
    ledger.attach(glue)

    await s3.send(new GetObjectCommand({ Bucket: 'b', Key: 'k' }))
    await s3.send(new GetObjectCommand({ Bucket: 'b', Key: 'k' }))
    await glue.send(new GetTableCommand({ DatabaseName: 'd', Name: 't' }))
    const counted = ledger.snapshot()
    ledger.reset()

    expect(counted).toEqual({
      'Glue.GetTable': { calls: 1, requestBytes: '{"DatabaseName":"d","Name":"t"}'.length },
      'S3.GetObject': { calls: 2, requestBytes: 0 },
    })
    expect(ledger.snapshot()).toEqual({})
  })
})
