import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb'
import {
  CreateStreamCommand,
  DescribeStreamSummaryCommand,
  KinesisClient,
  ListShardsCommand,
  PutRecordsCommand,
  UpdateShardCountCommand,
} from '@aws-sdk/client-kinesis'
import { InvokeCommand, LambdaClient, UpdateFunctionCodeCommand } from '@aws-sdk/client-lambda'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  clientSettings,
  deploy,
  eventually,
  nodeFunction,
  startTemporaryCloud,
  type TemporaryCloud,
  zipOf,
} from './temporary-cloud.ts'

/** What a function saw in one invocation. */
interface Delivery {
  readonly shard: string
  readonly values: readonly string[]
  readonly lagMs: number
}

describe('the event source mappings of the local cloud', () => {
  let cloud: TemporaryCloud
  let kinesis: KinesisClient

  beforeAll(async () => {
    cloud = await startTemporaryCloud({ auth: true })
    kinesis = new KinesisClient({
      ...clientSettings(cloud),
      // Over HTTP/2 the client now and then loses its connection here.
      requestHandler: new NodeHttpHandler(),
    })
  })
  afterAll(async () => {
    await cloud.stop()
  })

  it('let no slow function hold up another one', async () => {
    await createStream('slow-stream', 1)
    await createStream('quick-stream', 1)
    await deployReaders('speed', {
      Slow: { stream: 'slow-stream', code: 'await new Promise((wake) => setTimeout(wake, 3000))' },
      Quick: { stream: 'quick-stream' },
    })

    for (let i = 0; i < 5; i++) {
      await put('slow-stream', [`slow-${i}`])
      await put('quick-stream', [`quick-${i}`])
      await new Promise((wake) => setTimeout(wake, 100))
    }
    const deliveries = await eventually(async () =>
      valuesOf('Quick').length === 5 ? deliveriesTo('Quick') : undefined,
    )

    expect(Math.max(...deliveries.map(({ lagMs }) => lagMs))).toBeLessThan(2000)
    expect(valuesOf('Slow')).not.toContain('slow-4')
  })

  it('lose nothing and keep the order when a stream is resharded twice under load', async () => {
    await createStream('resharded', 1)
    const numbers = Array.from({ length: 60 }, (_, i) => `${i}`)
    await put('resharded', numbers.slice(0, 20))
    await reshard('resharded', 3)
    await put('resharded', numbers.slice(20, 40))
    await reshard('resharded', 2)
    await put('resharded', numbers.slice(40))

    await deployReaders('resharding', { Reader: { stream: 'resharded', batchSize: 5 } })
    await eventually(async () => (valuesOf('Reader').length >= 60 ? true : undefined))
    const { Shards = [] } = await kinesis.send(new ListShardsCommand({ StreamName: 'resharded' }))
    const { StreamDescriptionSummary: summary } = await kinesis.send(
      new DescribeStreamSummaryCommand({ StreamName: 'resharded' }),
    )

    const values = valuesOf('Reader')
    expect([...values].sort(byNumber)).toEqual(numbers)
    for (const key of ['0', '1', '2']) {
      const ofKey = values.filter((value) => Number(value) % 3 === Number(key))
      expect(ofKey).toEqual([...ofKey].sort(byNumber))
    }
    expect(summary?.OpenShardCount).toBe(2)
    const open = Shards.filter((shard) => !shard.SequenceNumberRange?.EndingSequenceNumber)
    expect(open).toHaveLength(2)
    expect(open.every((shard) => shard.ParentShardId !== undefined)).toBe(true)
    expect(Shards[0]?.SequenceNumberRange?.StartingSequenceNumber).toMatch(/^49\d{54}$/)
  })

  it('take a partial batch response, and bisect what throws', async () => {
    await createStream('partial', 1)
    await createStream('poisoned', 1)
    await put('partial', ['a', 'b', 'c'])
    await put('poisoned', ['a', 'poison', 'c', 'd'])

    await deployReaders('failing', {
      Partial: {
        stream: 'partial',
        code: `if (values[0] === 'a') return { batchItemFailures: [{ itemIdentifier: event.Records[1].kinesis.sequenceNumber }] }`,
        mapping: { FunctionResponseTypes: ['ReportBatchItemFailures'] },
      },
      Bisected: {
        stream: 'poisoned',
        code: `if (values.includes('poison') && values.length > 1) throw new Error('poison')`,
        mapping: { BisectBatchOnFunctionError: true },
      },
    })
    await eventually(async () =>
      batchesOf('Bisected').length >= 6 && batchesOf('Partial').length >= 2 ? true : undefined,
    )

    expect(batchesOf('Partial')).toEqual([
      ['a', 'b', 'c'],
      ['b', 'c'],
    ])
    expect(batchesOf('Bisected')).toEqual([
      ['a', 'poison', 'c', 'd'],
      ['a', 'poison'],
      ['a'],
      ['poison', 'c', 'd'],
      ['poison'],
      ['c', 'd'],
    ])
  })

  it('gather a batch for as long as the window says', async () => {
    await createStream('gathered', 1)
    await deployReaders('window', {
      Gatherer: { stream: 'gathered', mapping: { MaximumBatchingWindowInSeconds: 1 } },
    })

    for (const value of ['1', '2', '3']) {
      await put('gathered', [value])
      await new Promise((wake) => setTimeout(wake, 100))
    }
    await eventually(async () => (valuesOf('Gatherer').length === 3 ? true : undefined))

    expect(batchesOf('Gatherer')).toEqual([['1', '2', '3']])
    expect(deliveriesTo('Gatherer')[0]?.lagMs).toBeGreaterThan(900)
  })

  it("bring a table's changes to a function, those that its filter wants", async () => {
    const filter = { eventName: ['INSERT'], dynamodb: { NewImage: { kind: { S: ['entry'] } } } }
    const table = {
      Type: 'AWS::DynamoDB::Table',
      Properties: {
        TableName: 'journal',
        BillingMode: 'PAY_PER_REQUEST',
        KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
        AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
        StreamSpecification: { StreamViewType: 'NEW_IMAGE' },
      },
    }
    const mapping = {
      Type: 'AWS::Lambda::EventSourceMapping',
      Properties: {
        FunctionName: { Ref: 'Listener' },
        EventSourceArn: { 'Fn::GetAtt': ['Table', 'StreamArn'] },
        StartingPosition: 'LATEST',
        FilterCriteria: { Filters: [{ Pattern: JSON.stringify(filter) }] },
      },
    }
    const code = `
      const { appendFileSync } = require('node:fs')
      exports.handler = async (event) => {
        const values = event.Records.map((record) => record.dynamodb.NewImage.id.S)
        appendFileSync(${JSON.stringify(deliveryFile('Listener'))}, JSON.stringify({ values }) + '\\n')
      }`
    const functions = { Listener: nodeFunction(code) }
    await deploy(cloud, 'changes', functions, { Table: table, Mapping: mapping })

    const dynamodb = new DynamoDBClient(clientSettings(cloud))
    for (const [id, kind] of [
      ['1', 'entry'],
      ['2', 'cursor'],
      ['3', 'entry'],
    ]) {
      const item = { id: { S: `${id}` }, kind: { S: `${kind}` } }
      await dynamodb.send(new PutItemCommand({ TableName: 'journal', Item: item }))
    }
    await eventually(async () => (valuesOf('Listener').includes('3') ? true : undefined))

    expect(valuesOf('Listener')).toEqual(['1', '3'])
  })

  it('run functions with the rights of their role, and no others', async () => {
    const bundle = await build({
      stdin: { contents: PUT_TWICE, resolveDir: import.meta.dirname },
      bundle: true,
      minify: true,
      write: false,
      platform: 'node',
      target: 'node24',
      format: 'cjs',
    })
    const own = { Action: 's3:PutObject', Resource: 'arn:aws:s3:::role-test/mine/*' }
    const bucket = { Type: 'AWS::S3::Bucket', Properties: { BucketName: 'role-test' } }
    const empty = nodeFunction('exports.handler = async () => {}', { allow: [own] })
    await deploy(cloud, 'role', { PutTwice: empty }, { Bucket: bucket })

    const lambda = new LambdaClient(clientSettings(cloud))
    const code = zipOf('index.js', Buffer.from(bundle.outputFiles[0]?.contents ?? []))
    await lambda.send(new UpdateFunctionCodeCommand({ FunctionName: 'PutTwice', ZipFile: code }))
    const { Payload } = await lambda.send(new InvokeCommand({ FunctionName: 'PutTwice' }))
    const answer = JSON.parse(Payload?.transformToString() ?? '')

    expect(answer).toEqual({ mine: 'allowed', yours: 'AccessDenied', node: process.version })
  })

  async function createStream(name: string, shards: number): Promise<void> {
    await kinesis.send(new CreateStreamCommand({ StreamName: name, ShardCount: shards }))
    await eventually(async () => {
      const { StreamDescriptionSummary: summary } = await kinesis.send(
        new DescribeStreamSummaryCommand({ StreamName: name }),
      )
      return summary?.StreamStatus === 'ACTIVE' ? true : undefined
    })
  }

  async function put(stream: string, values: readonly string[]): Promise<void> {
    const records = values.map((value) => ({
      Data: new TextEncoder().encode(value),
      PartitionKey: `${Number(value) % 3}`,
    }))
    await kinesis.send(new PutRecordsCommand({ StreamName: stream, Records: records }))
  }

  async function reshard(stream: string, shards: number): Promise<void> {
    const target = { TargetShardCount: shards, ScalingType: 'UNIFORM_SCALING' as const }
    await kinesis.send(new UpdateShardCountCommand({ StreamName: stream, ...target }))
  }

  async function deployReaders(
    stack: string,
    readers: Record<
      string,
      { stream: string; code?: string; batchSize?: number; mapping?: object }
    >,
  ): Promise<void> {
    const entries = Object.entries(readers)
    await deploy(
      cloud,
      stack,
      Object.fromEntries(
        entries.map(([name, { code = '' }]) => [
          name,
          nodeFunction(readerCode(deliveryFile(name), code)),
        ]),
      ),
      Object.fromEntries(
        entries.map(([name, { stream, batchSize = 100, mapping = {} }]) => [
          `${name}Mapping`,
          {
            Type: 'AWS::Lambda::EventSourceMapping',
            Properties: {
              FunctionName: { Ref: name },
              EventSourceArn: `arn:aws:kinesis:us-east-1:000000000000:stream/${stream}`,
              StartingPosition: 'TRIM_HORIZON',
              BatchSize: batchSize,
              ...mapping,
            },
          },
        ]),
      ),
    )
  }

  const deliveryFile = (name: string) => join(cloud.stateDir, `${name}.deliveries`)

  function deliveriesTo(name: string): Delivery[] {
    try {
      const lines = readFileSync(deliveryFile(name), 'utf8').trim().split('\n')
      return lines.map((line) => JSON.parse(line) as Delivery)
    } catch {
      return []
    }
  }

  const batchesOf = (name: string) => deliveriesTo(name).map(({ values }) => values)
  const valuesOf = (name: string) => batchesOf(name).flat()
})

const byNumber = (a: string, b: string) => Number(a) - Number(b)

/** A handler that appends what it is given to a file, and then does what the code says. */
function readerCode(file: string, code: string): string {
  return `
    const { appendFileSync } = require('node:fs')
    exports.handler = async (event) => {
      const values = event.Records.map((record) => Buffer.from(record.kinesis.data, 'base64').toString())
      const [first] = event.Records
      const lagMs = Date.now() - first.kinesis.approximateArrivalTimestamp * 1000
      const delivery = { shard: first.eventID.split(':')[0], values, lagMs }
      appendFileSync(${JSON.stringify(file)}, JSON.stringify(delivery) + '\\n')
      ${code}
    }`
}

const PUT_TWICE = `
  import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
  const s3 = new S3Client({})
  const put = (Key) =>
    s3.send(new PutObjectCommand({ Bucket: 'role-test', Key, Body: 'x' })).then(() => 'allowed', (error) => error.name)
  export const handler = async () => ({
    mine: await put('mine/x'),
    yours: await put('yours/x'),
    node: process.version,
  })`
