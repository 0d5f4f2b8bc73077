import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { deserialize, serialize } from 'node:v8'
import {
  CreateTableCommand,
  DynamoDBClient,
  PutItemCommand,
  QueryCommand,
} from '@aws-sdk/client-dynamodb'
import { CreateDatabaseCommand, GlueClient } from '@aws-sdk/client-glue'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { clientConfig } from '#lib/adapters/aws/client-config.ts'
import { GlueCatalog } from '#lib/adapters/glue/glue-catalog.ts'
import { S3ObjectStore } from '#lib/adapters/s3/s3-object-store.ts'
import { systemClock, systemIds } from '#lib/adapters/system/system.ts'
import { inParallel } from '#lib/domain/kernel/in-parallel.ts'
import type { DataFile } from '#lib/domain/lake/data-file.ts'
import { LOCAL_CREDENTIALS, startLocalCloud, stopLocalCloud } from '#local/local-cloud.ts'
import type { Fence, HandedOver, WriterJournal, WriterStores } from './stores.ts'

const REGION = 'us-east-1'
const DATABASE = 'bench'
const QUERIES_AT_ONCE = 16
/** Digits of a file's number in its item's key: text order is number order. */
const DIGITS = 6

/** Starts a local cloud of its own and ends it, whatever happens; each call of `newStores` has tables and a bucket of its own. */
export async function withLocalCloud<Result>(
  work: (newStores: () => Promise<WriterStores>) => Promise<Result>,
): Promise<Result> {
  const port = await freePort()
  const stateDir = await mkdtemp(join(tmpdir(), 'weir-writers-'))
  process.env.WEIR_VENV_CACHE ||= join(import.meta.dirname, '../../.weir')
  try {
    const { endpoint } = await startLocalCloud({ port, stateDir, auth: false })
    process.env.AWS_ENDPOINT_URL = endpoint
    process.env.AWS_ACCESS_KEY_ID = LOCAL_CREDENTIALS.accessKeyId
    process.env.AWS_SECRET_ACCESS_KEY = LOCAL_CREDENTIALS.secretAccessKey
    const config = clientConfig({ region: REGION })
    const glue = new GlueClient(config)
    await glue.send(new CreateDatabaseCommand({ DatabaseInput: { Name: DATABASE } }))
    let stores = 0
    return await work(() => newStores(config, glue, `rides_${++stores}`))
  } finally {
    await stopLocalCloud({ port, stateDir })
    await rm(stateDir, { recursive: true, force: true })
  }
}

async function newStores(
  config: ReturnType<typeof clientConfig>,
  glue: GlueClient,
  name: string,
): Promise<WriterStores> {
  const s3 = new S3Client(config)
  const bucket = name.replace('_', '-')
  await s3.send(new CreateBucketCommand({ Bucket: bucket }))
  const dynamo = new DynamoDBClient(config)
  await dynamo.send(
    new CreateTableCommand({
      TableName: name,
      BillingMode: 'PAY_PER_REQUEST',
      KeySchema: [
        { AttributeName: 'writer', KeyType: 'HASH' },
        { AttributeName: 'at', KeyType: 'RANGE' },
      ],
      AttributeDefinitions: [
        { AttributeName: 'writer', AttributeType: 'S' },
        { AttributeName: 'at', AttributeType: 'S' },
      ],
    }),
  )
  return {
    lake: {
      objects: new S3ObjectStore({ client: s3 }),
      catalog: new GlueCatalog({ client: glue }),
      clock: systemClock,
      ids: systemIds,
    },
    name: { database: DATABASE, name },
    location: `s3://${bucket}/${name}`,
    journal: new DynamoDbWriterJournal(dynamo, name),
  }
}

/** An item per file, in the order of its writer. */
class DynamoDbWriterJournal implements WriterJournal {
  readonly #client: DynamoDBClient
  readonly #tableName: string

  constructor(client: DynamoDBClient, tableName: string) {
    this.#client = client
    this.#tableName = tableName
  }

  async append(writer: number, at: number, files: readonly DataFile[]): Promise<void> {
    await this.#client.send(
      new PutItemCommand({
        TableName: this.#tableName,
        Item: {
          writer: { S: String(writer) },
          at: { S: keyOf(at) },
          files: { B: serialize(files) },
        },
        ConditionExpression: 'attribute_not_exists(writer)',
      }),
    )
  }

  async past(fence: Fence, writers: number): Promise<HandedOver> {
    const all = Array.from({ length: writers }, (_, writer) => writer)
    const waiting = await inParallel(all, QUERIES_AT_ONCE, async (writer) => {
      const done = fence[writer] ?? 0
      const items = await this.#after(writer, done)
      return { writer, done: done + items.length, files: items.flat() }
    })
    return {
      files: waiting.flatMap(({ files }) => files),
      reached: Object.fromEntries(waiting.map(({ writer, done }) => [writer, done])),
    }
  }

  async #after(writer: number, done: number): Promise<readonly (readonly DataFile[])[]> {
    const { Items = [] } = await this.#client.send(
      new QueryCommand({
        TableName: this.#tableName,
        KeyConditionExpression: 'writer = :writer AND #at >= :from',
        ExpressionAttributeNames: { '#at': 'at' },
        ExpressionAttributeValues: {
          ':writer': { S: String(writer) },
          ':from': { S: keyOf(done) },
        },
        ConsistentRead: true,
      }),
    )
    return Items.map(({ files }) => deserialize(files!.B!) as readonly DataFile[])
  }
}

function keyOf(at: number): string {
  return String(at).padStart(DIGITS, '0')
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}
