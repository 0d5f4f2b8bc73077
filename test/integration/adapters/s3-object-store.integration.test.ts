import { randomUUID } from 'node:crypto'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { describe } from 'vitest'
import { clientConfig } from '#lib/adapters/aws/client-config.ts'
import { S3ObjectRemover } from '#lib/adapters/s3/s3-object-remover.ts'
import { S3ObjectStore } from '#lib/adapters/s3/s3-object-store.ts'
import { objectRemoverContract } from '#test/ports/object-remover-contract.ts'
import { objectStoreContract } from '#test/ports/object-store-contract.ts'

async function create() {
  const client = new S3Client(clientConfig({ region: 'us-east-1' }))
  const bucket = `objects-${randomUUID()}`
  await client.send(new CreateBucketCommand({ Bucket: bucket }))
  return {
    store: new S3ObjectStore({ client }),
    remover: new S3ObjectRemover({ client }),
    prefix: `s3://${bucket}/contract`,
  }
}

describe('S3ObjectStore', () => objectStoreContract(create))
describe('S3ObjectRemover', () => objectRemoverContract(create))
