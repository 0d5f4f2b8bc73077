import { randomUUID } from 'node:crypto'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { describe } from 'vitest'
import { clientConfig } from '#lib/adapters/aws/client-config.ts'
import { S3ObjectStore } from '#lib/adapters/s3/s3-object-store.ts'
import { objectStoreContract } from '#test/ports/object-store-contract.ts'

describe('S3ObjectStore', () => {
  objectStoreContract(async () => {
    const client = new S3Client(clientConfig({ region: 'us-east-1' }))
    const bucket = `objects-${randomUUID()}`
    await client.send(new CreateBucketCommand({ Bucket: bucket }))
    return { store: new S3ObjectStore({ client }), prefix: `s3://${bucket}/contract` }
  })
})
