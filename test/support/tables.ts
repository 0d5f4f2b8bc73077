import { randomUUID } from 'node:crypto'
import { CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { clientConfig } from '#lib/adapters/aws/client-config.ts'
import { ITEM_KEYS } from '#lib/adapters/dynamodb/item-keys.ts'

/** Stores of a test's own in the running local cloud; they go with it. */
export const testConfig = () => clientConfig({ region: 'us-east-1' })

/** A new, empty table as the state stack makes them. */
export async function createTable(): Promise<{ client: DynamoDBClient; tableName: string }> {
  const client = new DynamoDBClient(testConfig())
  const tableName = `test-${randomUUID()}`
  await client.send(
    new CreateTableCommand({
      TableName: tableName,
      BillingMode: 'PAY_PER_REQUEST',
      KeySchema: [
        { AttributeName: ITEM_KEYS.partition, KeyType: 'HASH' },
        { AttributeName: ITEM_KEYS.sort, KeyType: 'RANGE' },
      ],
      AttributeDefinitions: [
        { AttributeName: ITEM_KEYS.partition, AttributeType: 'S' },
        { AttributeName: ITEM_KEYS.sort, AttributeType: 'S' },
      ],
    }),
  )
  return { client, tableName }
}

/** A new, empty bucket. */
export async function createBucket(): Promise<{ client: S3Client; bucket: string }> {
  const client = new S3Client(testConfig())
  const bucket = `test-${randomUUID()}`
  await client.send(new CreateBucketCommand({ Bucket: bucket }))
  return { client, bucket }
}
