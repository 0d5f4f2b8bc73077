import { randomUUID } from 'node:crypto'
import { CreateDatabaseCommand, GlueClient } from '@aws-sdk/client-glue'
import {
  CreateStreamCommand,
  DescribeStreamSummaryCommand,
  KinesisClient,
} from '@aws-sdk/client-kinesis'
import { expect, it } from 'vitest'
import { createBucket, createTable, testConfig } from '#test/support/tables.ts'
import { type LakePlaces, runLake } from '../../bench/cost/lake-run.ts'
import { stubSettings, tripsContract } from '../../bench/cost/setting.ts'

const SETTING = { freshnessSeconds: 2, eventsPerSecondAndShard: 500, shards: 2, features: true }

it('the stub that costs are counted on is called as often as stores that keep what they are told', async () => {
  const contract = tripsContract()
  const stub = stubSettings(contract, SETTING, 3_000)

  const onStub = await runLake(stub)
  const onStores = await runLake({
    ...stub,
    clientConfig: testConfig(),
    places: await createPlaces(),
  })

  expect(onStores.isComplete).toBe(true)
  expect(callsOf(onStub.calls)).toEqual(callsOf(onStores.calls))
  expect(onStub.units).toEqual(onStores.units)
})

function callsOf(snapshot: Readonly<Record<string, { readonly calls: number }>>) {
  return Object.entries(snapshot).map(([name, { calls }]) => `${name} ${calls}`)
}

async function createPlaces(): Promise<LakePlaces> {
  const streamName = `test-${randomUUID()}`
  const database = `test_${randomUUID().replaceAll('-', '')}`
  const kinesis = new KinesisClient(testConfig())
  await kinesis.send(new CreateStreamCommand({ StreamName: streamName, ShardCount: 2 }))
  await new GlueClient(testConfig()).send(
    new CreateDatabaseCommand({ DatabaseInput: { Name: database } }),
  )
  for (;;) {
    const answer = await kinesis.send(new DescribeStreamSummaryCommand({ StreamName: streamName }))
    if (answer.StreamDescriptionSummary?.StreamStatus === 'ACTIVE') break
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  const [{ bucket }, journal, slots] = await Promise.all([
    createBucket(),
    createTable(),
    createTable(),
  ])
  return {
    streamName,
    bucket,
    journalTable: journal.tableName,
    slotsTable: slots.tableName,
    database,
    undecodableKeyId: 'unused',
  }
}
