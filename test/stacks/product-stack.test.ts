import { describe, expect, it } from 'vitest'
import { type Resource, synth } from '#test/support/synth.ts'
import { fieldOf, productOf } from '#test/support/synth-product.ts'

const STATE = 'weir-us-east-1-state'
const PRODUCT = 'weir-us-east-1-sensor-readings'
const cell = synth()

interface Statement {
  readonly Action: string | readonly string[]
  readonly Resource: unknown
}

/** What the role of a function may do, one line each: `action on resource`. */
function permissions(unit: string, synthesized = cell): string[] {
  const roles = Object.entries(synthesized.template(PRODUCT).Resources).filter(
    ([id, { Type }]) => Type === 'AWS::IAM::Role' && id.startsWith(unit),
  )
  expect(roles).toHaveLength(1)
  const { Policies, ManagedPolicyArns } = roles[0]![1].Properties
  expect(ManagedPolicyArns).toBeUndefined()
  const statements: Statement[] = Policies.flatMap(
    (policy: { PolicyDocument: { Statement: Statement[] } }) => policy.PolicyDocument.Statement,
  )
  return statements
    .flatMap(({ Action, Resource }) =>
      [Action]
        .flat()
        .flatMap((action) => [Resource].flat().map((one) => `${action} on ${named(one)}`)),
    )
    .sort()
}

/** A resource as a person reads it. */
function named(resource: unknown): string {
  return JSON.stringify(resource)
    .replaceAll(/.*SensorReadingsObjectsBucket[^"]*"\},"\/([^"]*)".*/g, 'objects/$1')
    .replaceAll(/.*SensorReadingsObjectsBucket.*/g, 'objects')
    .replaceAll(/.*SensorReadingsEventsStream.*/g, 'stream')
    .replaceAll(/.*SensorReadingsJournalTable\w*StreamArn.*/g, 'journal bell')
    .replaceAll(/.*SensorReadingsJournalTable.*/g, 'journal')
    .replaceAll(/.*SensorReadingsSlotsTable.*/g, 'slots')
    .replaceAll(/.*SensorReadingsFeaturesTable.*/g, 'features')
    .replaceAll(/.*KeysCell.*/g, 'cell key')
    .replaceAll(/.*KeysIdentity.*/g, 'identity key')
    .replaceAll(/.*KeysUndecodable.*/g, 'undecodable key')
    .replaceAll(/.*KeysSubjects.*/g, 'subject key')
    .replaceAll(/.*SubjectKeysTable.*/g, 'key table')
    .replaceAll(/.*:glue:[^"]*".*:(catalog|database|table).*/g, 'glue $1')
    .replaceAll(/.*FunctionLogs.*/g, 'own logs')
}

const LOGS = ['logs:CreateLogStream on own logs', 'logs:PutLogEvents on own logs']
const BELL = [
  'dynamodb:DescribeStream on journal bell',
  'dynamodb:GetRecords on journal bell',
  'dynamodb:GetShardIterator on journal bell',
  'dynamodb:ListStreams on "*"',
]

describe('a role holds what its function calls and nothing else', () => {
  it('archive-events', () => {
    expect(permissions('ArchiveEvents')).toEqual(
      [
        ...LOGS,
        'kinesis:DescribeStream on stream',
        'kinesis:DescribeStreamSummary on stream',
        'kinesis:GetRecords on stream',
        'kinesis:GetShardIterator on stream',
        'kinesis:ListShards on stream',
        's3:PutObject on objects/raw/*',
        's3:PutObject on objects/quarantine/*',
        's3:PutObject on objects/undecodable/*',
        's3:PutObject on objects/batches/*',
        's3:PutObject on objects/table/sensor_readings/data/*',
        's3:GetObject on objects/raw/*',
        's3:GetObject on objects/batches/*',
        's3:ListBucket on objects',
        'dynamodb:GetItem on journal',
        'dynamodb:PutItem on journal',
        'dynamodb:Query on journal',
        'kms:Decrypt on cell key',
        'kms:GenerateDataKey on cell key',
        'kms:GenerateDataKey on undecodable key',
        'kms:GenerateMac on identity key',
      ].sort(),
    )
  })

  it('archive-events of a product with personal fields, which can make keys and not delete them', () => {
    const fields = [fieldOf({ name: 'sensor' }), fieldOf({ name: 'owner', personal: true })]
    const sealed = synth({ products: [productOf({ fields, subject: 'owner' })] })

    const more = permissions('ArchiveEvents', sealed).filter(
      (one) => !permissions('ArchiveEvents').includes(one),
    )

    expect(more).toEqual([
      'dynamodb:BatchGetItem on key table',
      'dynamodb:GetItem on key table',
      'dynamodb:PutItem on key table',
      'kms:Decrypt on subject key',
      'kms:GenerateDataKey on subject key',
    ])
    for (const unit of ['CommitSnapshots', 'UpdateWindows', 'FinalizeWindows', 'GetFeatures']) {
      const others = permissions(unit, sealed).filter((one) => /subject|key table/.test(one))
      expect(others).toEqual([])
    }
  })

  it('commit-snapshots', () => {
    expect(permissions('CommitSnapshots')).toEqual(
      [
        ...LOGS,
        ...BELL,
        'dynamodb:GetItem on journal',
        'dynamodb:Query on journal',
        's3:GetObject on objects/table/sensor_readings/*',
        's3:GetObject on objects/batches/*',
        's3:PutObject on objects/table/sensor_readings/*',
        's3:ListBucket on objects',
        ...['CreateTable', 'GetTable', 'UpdateTable'].flatMap((action) =>
          ['catalog', 'database', 'table'].map((what) => `glue:${action} on glue ${what}`),
        ),
        'kms:Decrypt on cell key',
        'kms:GenerateDataKey on cell key',
      ].sort(),
    )
  })

  it('of a product with two majors, for the tables of both', () => {
    const version = (version: string) => ({
      file: `${version}.yaml`,
      text: '',
      document: {},
      contract: productOf({ version }).contract,
    })
    const sources = [version('1.0.0'), version('2.0.0')]
    const both = synth({ products: [{ ...productOf({ version: '2.0.0' }), sources }] })
    const tables = (unit: string) =>
      permissions(unit, both).filter((one) => one.includes('/table/') || one.includes('glue table'))

    expect(tables('ArchiveEvents')).toEqual([
      's3:PutObject on objects/table/sensor_readings/data/*',
      's3:PutObject on objects/table/sensor_readings_v2/data/*',
    ])
    expect(tables('UpdateWindows')).toEqual([
      's3:GetObject on objects/table/sensor_readings/*',
      's3:GetObject on objects/table/sensor_readings_v2/*',
    ])
    expect(tables('CommitSnapshots')).toEqual([
      ...['CreateTable', 'GetTable', 'UpdateTable'].flatMap((action) =>
        Array.from({ length: 2 }, () => `glue:${action} on glue table`),
      ),
      's3:GetObject on objects/table/sensor_readings/*',
      's3:GetObject on objects/table/sensor_readings_v2/*',
      's3:PutObject on objects/table/sensor_readings/*',
      's3:PutObject on objects/table/sensor_readings_v2/*',
    ])
  })

  it('update-windows', () => {
    expect(permissions('UpdateWindows')).toEqual(
      [
        ...LOGS,
        ...BELL,
        'dynamodb:GetItem on journal',
        'dynamodb:Query on journal',
        's3:GetObject on objects/table/sensor_readings/*',
        's3:GetObject on objects/batches/*',
        's3:PutObject on objects/late/*',
        's3:PutObject on objects/generations/*',
        's3:ListBucket on objects',
        'dynamodb:BatchGetItem on slots',
        'dynamodb:GetItem on slots',
        'dynamodb:PutItem on slots',
        'dynamodb:Query on slots',
        'dynamodb:UpdateItem on slots',
        'kms:Decrypt on cell key',
        'kms:GenerateDataKey on cell key',
      ].sort(),
    )
  })

  it('finalize-windows', () => {
    expect(permissions('FinalizeWindows')).toEqual(
      [
        ...LOGS,
        'dynamodb:GetItem on journal',
        'dynamodb:Query on journal',
        'kinesis:DescribeStream on stream',
        'kinesis:DescribeStreamSummary on stream',
        'kinesis:GetRecords on stream',
        'kinesis:GetShardIterator on stream',
        'kinesis:ListShards on stream',
        's3:GetObject on objects/table/sensor_readings/*',
        's3:GetObject on objects/batches/*',
        's3:GetObject on objects/features/*',
        's3:PutObject on objects/features/*',
        's3:ListBucket on objects',
        'dynamodb:BatchGetItem on slots',
        'dynamodb:GetItem on slots',
        'dynamodb:Query on slots',
        'dynamodb:UpdateItem on slots',
        'kms:Decrypt on cell key',
        'kms:GenerateDataKey on cell key',
      ].sort(),
    )
  })

  it('maintain-table', () => {
    const tables = ['table/sensor_readings', 'table/sensor_readings_maintenance']
    expect(permissions('MaintainTable')).toEqual(
      [
        ...LOGS,
        'dynamodb:GetItem on journal',
        'dynamodb:Query on journal',
        'dynamodb:GetItem on slots',
        ...tables.flatMap((table) =>
          ['DeleteObject', 'GetObject', 'PutObject'].map(
            (call) => `s3:${call} on objects/${table}/*`,
          ),
        ),
        's3:GetObject on objects/maintenance/*',
        's3:PutObject on objects/maintenance/*',
        's3:GetObject on objects/batches/*',
        's3:ListBucket on objects',
        ...['CreateTable', 'GetTable', 'UpdateTable'].flatMap((action) =>
          ['catalog', 'database', 'table', 'table'].map((what) => `glue:${action} on glue ${what}`),
        ),
        'kms:Decrypt on cell key',
        'kms:GenerateDataKey on cell key',
      ].sort(),
    )
  })

  it('maintain-table, which alone may delete anything, and that nothing but what tables consist of', () => {
    const deleting = cell.stackNames.flatMap((stack) =>
      Object.entries(cell.template(stack).Resources).flatMap(([id, resource]) =>
        resource.Type.startsWith('AWS::IAM::')
          ? [
              ...JSON.stringify(resource).matchAll(
                /"(?:s3|glue|dynamodb):[^"]*(?:Delete|\*)[^"]*"/g,
              ),
            ].map(([action]) => `${id.replace(/Function.*/, '')} ${action}`)
          : [],
      ),
    )

    // One role in each of the two cells.
    expect(deleting).toEqual(Array(2).fill('MaintainTable "s3:DeleteObject"'))
  })

  it('publish-features', () => {
    expect(permissions('PublishFeatures')).toEqual(
      [
        ...LOGS,
        'kinesis:DescribeStream on stream',
        'kinesis:DescribeStreamSummary on stream',
        'kinesis:GetRecords on stream',
        'kinesis:GetShardIterator on stream',
        'kinesis:ListShards on stream',
        'dynamodb:GetItem on journal',
        'dynamodb:Query on journal',
        'dynamodb:GetItem on slots',
        'dynamodb:BatchGetItem on features',
        'dynamodb:GetItem on features',
        'dynamodb:PutItem on features',
        'dynamodb:Query on features',
        's3:GetObject on objects/table/sensor_readings/*',
        's3:GetObject on objects/publications/*',
        's3:PutObject on objects/publications/*',
        's3:ListBucket on objects',
        ...['catalog', 'database', 'table'].map((what) => `glue:GetTable on glue ${what}`),
        'kms:Decrypt on cell key',
        'kms:GenerateDataKey on cell key',
      ].sort(),
    )
  })

  it('get-features', () => {
    expect(permissions('GetFeatures')).toEqual(
      [
        ...LOGS,
        'dynamodb:BatchGetItem on features',
        'dynamodb:GetItem on features',
        'dynamodb:Query on features',
        'dynamodb:BatchGetItem on slots',
        'dynamodb:GetItem on slots',
        'dynamodb:Query on slots',
        'kms:Decrypt on cell key',
      ].sort(),
    )
  })
})

describe('the pipeline of a product', () => {
  const mappings = cell.resources(PRODUCT, 'AWS::Lambda::EventSourceMapping')
  const reading = (what: string): Resource[] =>
    mappings.filter((one) => JSON.stringify(one.Properties.EventSourceArn).includes(what))

  it('reads the stream once, in order, until it succeeds, as fresh as the contract asks', () => {
    expect(reading('EventsStream').map((one) => one.Properties)).toEqual([
      expect.objectContaining({
        ParallelizationFactor: 1,
        MaximumRetryAttempts: -1,
        MaximumRecordAgeInSeconds: -1,
        StartingPosition: 'TRIM_HORIZON',
        MaximumBatchingWindowInSeconds: 4,
        BisectBatchOnFunctionError: true,
      }),
    ])
    expect(reading('EventsStream')[0]?.Properties.DestinationConfig).toBeUndefined()
  })

  it('rings both consumers from the journal and from a sweep each minute', () => {
    const [rule] = cell.resources(PRODUCT, 'AWS::Events::Rule')

    expect(reading('JournalTable')).toHaveLength(2)
    expect(rule?.Properties.ScheduleExpression).toBe('rate(1 minute)')
    expect(rule?.Properties.Targets.map((one: { Input: string }) => one.Input)).toEqual(
      Array(3).fill('{"bell":"sweep"}'),
    )
  })

  it('runs on the current Node, logs for a while and under the key of the cell', () => {
    const functions = cell.resources(PRODUCT, 'AWS::Lambda::Function')

    expect(functions).toHaveLength(7)
    for (const { Properties } of functions) {
      expect(Properties).toMatchObject({ Runtime: 'nodejs24.x', Architectures: ['arm64'] })
    }
    for (const { Properties } of cell.resources(PRODUCT, 'AWS::Logs::LogGroup')) {
      expect(Properties.RetentionInDays).toBe(90)
      expect(JSON.stringify(Properties.KmsKeyId)).toContain('KeysCell')
    }
  })

  it('is found by the keys of the outputs', () => {
    const { Outputs } = cell.template(PRODUCT)

    expect(Object.keys(Outputs).filter((key) => key.endsWith('Function'))).toEqual([
      'ArchiveEventsFunction',
      'CommitSnapshotsFunction',
      'UpdateWindowsFunction',
      'FinalizeWindowsFunction',
      'GetFeaturesFunction',
      'MaintainTableFunction',
      'PublishFeaturesFunction',
    ])
  })

  it('knows its stores through its own cell', () => {
    const imports = JSON.stringify(cell.template(PRODUCT)).matchAll(/"Fn::ImportValue":"([^:"]+):/g)

    expect(new Set([...imports].map(([, stack]) => stack))).toEqual(new Set([STATE]))
  })
})

it('a function that locks raw may do so, and may not lift a lock', () => {
  const retention = { ...productOf().contract.retention, rawLockDays: 365 }
  const allowed = permissions('ArchiveEvents', synth({ products: [productOf({ retention })] }))

  expect(allowed.filter((one) => one.includes('Retention'))).toEqual([
    's3:PutObjectRetention on objects/raw/*',
  ])
})

describe('what people ask of a product', () => {
  it('is ready as views, as Athena itself keeps them', () => {
    const views = cell
      .resources(PRODUCT, 'AWS::Glue::Table')
      .map(({ Properties }) => Properties.TableInput)

    expect(views.map((view) => [view.Name, view.TableType])).toEqual([
      ['sensor_readings_current', 'VIRTUAL_VIEW'],
      ['sensor_readings_daily', 'VIRTUAL_VIEW'],
      ['sensor_readings_rejections', 'VIRTUAL_VIEW'],
    ])
    for (const view of views) {
      const [, base64] = /^\/\* Presto View: (\S+) \*\/$/.exec(view.ViewOriginalText)!
      const definition = JSON.parse(Buffer.from(base64!, 'base64').toString())
      expect([definition.catalog, definition.schema]).toEqual(['awsdatacatalog', 'weir'])
      expect(definition.columns.map((column: { name: string }) => column.name)).toEqual(
        view.StorageDescriptor.Columns.map((column: { Name: string }) => column.Name),
      )
    }
  })

  it('is ready as saved queries, in the work group of their purpose', () => {
    const queries = cell.resources(PRODUCT, 'AWS::Athena::NamedQuery').map((one) => one.Properties)
    const groups = new Set(queries.map(({ WorkGroup }) => WorkGroup))

    expect([...groups].sort()).toEqual(['weir-analysts', 'weir-operations'])
    for (const { Name } of queries) expect(Name).toMatch(/^sensor_readings: /)
  })
})
