import { expect, it } from 'vitest'
import { synth } from '#test/support/synth.ts'
import { productOf } from '#test/support/synth-product.ts'
import { ARCHIVE_MAPPING } from './event-source-mapping.ts'

it('the mapping that is simulated is the one that is deployed', () => {
  const { batchSize, windowMs, bisect, retries, parallelizationFactor } = ARCHIVE_MAPPING
  const stream = { shards: 1, retentionHours: 168, freshnessSeconds: windowMs / 1000 }
  const cell = synth({ products: [productOf({ stream })] })
  const [mapping] = cell
    .resources('weir-us-east-1-sensor-readings', 'AWS::Lambda::EventSourceMapping')
    .filter(({ Properties }) => JSON.stringify(Properties.EventSourceArn).includes('EventsStream'))

  expect(mapping!.Properties).toMatchObject({
    BatchSize: batchSize,
    MaximumBatchingWindowInSeconds: windowMs / 1000,
    BisectBatchOnFunctionError: bisect,
    MaximumRetryAttempts: retries === Number.POSITIVE_INFINITY ? -1 : retries,
    ParallelizationFactor: parallelizationFactor,
  })
})
