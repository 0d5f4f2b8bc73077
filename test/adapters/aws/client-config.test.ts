import { KinesisClient } from '@aws-sdk/client-kinesis'
import { S3Client } from '@aws-sdk/client-s3'
import { describe, expect, it } from 'vitest'
import { clientConfig } from '#lib/adapters/aws/client-config.ts'

describe('client configuration', () => {
  it('speaks HTTP/1.1 with Kinesis, too', () => {
    const client = new KinesisClient(clientConfig({ region: 'us-east-1' }))

    expect(client.config.requestHandler.metadata).toMatchObject({ handlerProtocol: 'http/1.1' })
  })

  it.each([
    [{}, false],
    [{ AWS_ENDPOINT_URL: 'http://localhost:4566' }, true],
    [{ AWS_ENDPOINT_URL: 'https://s3.eu-west-1.amazonaws.com' }, false],
    [{ AWS_ENDPOINT_URL: 'https://amazonaws.com.example.org' }, true],
    [{ AWS_ENDPOINT_URL: 'http://x', AWS_ENDPOINT_URL_S3: 'https://s3.amazonaws.com' }, false],
  ])('names buckets in the path only where the endpoint is not AWS: %j', (environment, inPath) => {
    const config = clientConfig({ region: 'us-east-1', environment })

    expect(new S3Client(config).config.forcePathStyle).toBe(inPath)
  })
})
