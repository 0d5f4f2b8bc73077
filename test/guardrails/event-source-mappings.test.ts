import { Stack } from 'aws-cdk-lib'
import { CfnStream } from 'aws-cdk-lib/aws-kinesis'
import { CfnEventSourceMapping } from 'aws-cdk-lib/aws-lambda'
import { CfnQueue } from 'aws-cdk-lib/aws-sqs'
import { describe, expect, it } from 'vitest'
import { tagAll } from '#lib/stacks/tag-all.ts'
import { findings, tagging } from '#test/support/synth-planted.ts'

type MappingProps = Partial<ConstructorParameters<typeof CfnEventSourceMapping>[2]>

const SAFE: MappingProps = {
  startingPosition: 'TRIM_HORIZON',
  maximumRetryAttempts: -1,
  maximumRecordAgeInSeconds: -1,
}

function mapping(stack: Stack, id: string, props: MappingProps): CfnEventSourceMapping {
  return new CfnEventSourceMapping(stack, id, { functionName: 'reader', ...props })
}

/** What is said about a mapping on a stream of events. */
function onStream(props: MappingProps, override?: [path: string, value: unknown]): string {
  return findings((stack) => {
    const { attrArn } = new CfnStream(stack, 'Events', { shardCount: 1, retentionPeriodHours: 168 })
    const planted = mapping(stack, 'Mapping', { eventSourceArn: attrArn, ...SAFE, ...props })
    if (override) planted.addPropertyOverride(...override)
  })
}

describe('a mapping on a stream of events', () => {
  it('passes if it neither skips nor reorders anything', () => {
    expect(onStream({ parallelizationFactor: 1, bisectBatchOnFunctionError: true })).toBe('')
  })

  it.each<[string, MappingProps]>([
    ['ParallelizationFactor 2', { parallelizationFactor: 2 }],
    ['TumblingWindowInSeconds 30', { tumblingWindowInSeconds: 30 }],
    ['MaximumRetryAttempts 5', { maximumRetryAttempts: 5 }],
    ['MaximumRecordAgeInSeconds 3600', { maximumRecordAgeInSeconds: 3600 }],
    ['StartingPosition "LATEST"', { startingPosition: 'LATEST' }],
    ['BatchSize 20000', { batchSize: 20_000 }],
    ['MaximumBatchingWindowInSeconds 301', { maximumBatchingWindowInSeconds: 301 }],
    ['FilterCriteria', { filterCriteria: { filters: [{ pattern: '{}' }] } }],
    [
      'DestinationConfig',
      { destinationConfig: { onFailure: { destination: 'arn:aws:sqs:us-east-1:1:failed' } } },
    ],
  ])('is refused with %s', (what, props) => {
    const said = onStream(props)

    expect(said).toContain(what)
    expect(said).toContain('Planted/Mapping')
  })

  it('is refused without a limit of attempts spelt out', () => {
    expect(onStream({ maximumRetryAttempts: undefined })).toContain('MaximumRetryAttempts left out')
  })

  it('is refused if only an override breaks it', () => {
    expect(onStream({}, ['ParallelizationFactor', 10])).toContain('ParallelizationFactor 10')
  })

  it('is refused beside another one: one reader decides what an event is', () => {
    const said = findings((stack) => {
      const { attrArn } = new CfnStream(stack, 'Events', {
        shardCount: 1,
        retentionPeriodHours: 168,
      })
      mapping(stack, 'First', { eventSourceArn: attrArn, ...SAFE })
      mapping(stack, 'Second', { eventSourceArn: attrArn, ...SAFE })
    })

    expect(said).toContain('reader number 2')
  })

  it('is known through an import from another stack', () => {
    const said = findings((stack, app) => {
      const other = new Stack(app, 'Other', { env: { region: 'us-east-1' } })
      tagAll(other, tagging)
      const { attrArn } = new CfnStream(other, 'Events', {
        shardCount: 1,
        retentionPeriodHours: 168,
      })
      mapping(stack, 'Mapping', { eventSourceArn: attrArn, ...SAFE, parallelizationFactor: 3 })
    })

    expect(said).toContain('ParallelizationFactor 3')
  })

  it('is known by its ARN alone, also one that is put together', () => {
    const said = findings((stack) => {
      const eventSourceArn = `arn:${stack.partition}:kinesis:us-east-1:${stack.account}:stream/other`
      mapping(stack, 'Mapping', { eventSourceArn, ...SAFE, parallelizationFactor: 4 })
    })

    expect(said).toContain('ParallelizationFactor 4')
  })

  it('is refused if nobody can tell what it reads', () => {
    const said = findings((stack) => {
      mapping(stack, 'Mapping', { selfManagedEventSource: {}, topics: ['events'] })
    })

    expect(said).toContain('reads something that the template does not name')
  })
})

describe('a mapping on a queue', () => {
  const onQueue = (fifoQueue: boolean, props: MappingProps) =>
    findings((stack) => {
      const { attrArn } = new CfnQueue(stack, 'Queue', { ...(fifoQueue ? { fifoQueue } : {}) })
      mapping(stack, 'Mapping', { eventSourceArn: attrArn, ...props })
    })

  it('takes no more than ten messages of a FIFO queue, and no window', () => {
    expect(onQueue(true, { batchSize: 10 })).toBe('')
    expect(onQueue(true, { batchSize: 11 })).toContain('BatchSize 11 is refused by AWS on a FIFO')
    expect(onQueue(true, { maximumBatchingWindowInSeconds: 5 })).toContain(
      'on a FIFO queue: remove',
    )
  })

  it('takes more than ten messages of a standard queue only with a window', () => {
    expect(onQueue(false, { batchSize: 100, maximumBatchingWindowInSeconds: 1 })).toBe('')
    expect(onQueue(false, { batchSize: 100 })).toContain('refused by AWS without a window')
  })
})
