import { describe, expect, it } from 'vitest'
import { defineTopology } from '#lib/topology/topology.ts'
import { synth } from '#test/support/synth.ts'
import { productOf } from '#test/support/synth-product.ts'

const COLD = { afterDays: 120, to: 'instant-archive' } as const
const STATE = 'weir-eu-west-1-state'
const kept = synth()
const bucketOf = (cell = kept) =>
  cell.resources(STATE, 'AWS::S3::Bucket').find((one) => one.Properties.VersioningConfiguration)!

describe('what a cell keeps', () => {
  it('stands in a stack of its own, with nothing that runs', () => {
    const types = Object.values(kept.template(STATE).Resources).map((one) => one.Type)

    expect(types).not.toContain('AWS::Lambda::Function')
    expect(types).not.toContain('AWS::IAM::Role')
    for (const stack of kept.stackNames.filter((name) => !name.endsWith('-state'))) {
      for (const type of ['AWS::S3::Bucket', 'AWS::DynamoDB::Table', 'AWS::Kinesis::Stream']) {
        expect(kept.resources(stack, type)).toEqual([])
      }
    }
  })

  it.each([
    ['AWS::DynamoDB::Table', 5],
    ['AWS::Glue::Database', 1],
    ['AWS::KMS::Key', 5],
    ['AWS::Kinesis::Stream', 1],
    ['AWS::S3::Bucket', 2],
  ])('outlives its stack: %s', (type, count) => {
    const resources = kept.resources(STATE, type)

    expect(resources).toHaveLength(count)
    for (const { DeletionPolicy, UpdateReplacePolicy } of resources) {
      expect([DeletionPolicy, UpdateReplacePolicy]).toEqual(['Retain', 'Retain'])
    }
  })

  it('goes with its stack only where the cloud itself may go', () => {
    const disposable = synth({ topology: { disposable: true } })

    for (const type of ['AWS::DynamoDB::Table', 'AWS::Kinesis::Stream', 'AWS::S3::Bucket']) {
      for (const { DeletionPolicy } of disposable.resources(STATE, type)) {
        expect(DeletionPolicy).toBe('Delete')
      }
    }
  })

  it('can be brought back: tables to any second, objects by their versions', () => {
    for (const { Properties } of kept.resources(STATE, 'AWS::DynamoDB::Table')) {
      expect(Properties.PointInTimeRecoverySpecification).toMatchObject({
        PointInTimeRecoveryEnabled: true,
      })
      expect(Properties.DeletionProtectionEnabled).toBe(true)
    }
    expect(bucketOf().Properties.VersioningConfiguration).toEqual({ Status: 'Enabled' })
  })

  it("is encrypted with the cell's key", () => {
    const { Resources } = kept.template(STATE)
    const cellKey = Object.keys(Resources).find((id) => id.startsWith('KeysCell'))
    const usesIt = (value: unknown) => expect(JSON.stringify(value)).toContain(`"${cellKey}"`)

    for (const { Properties } of kept.resources(STATE, 'AWS::DynamoDB::Table')) {
      usesIt(Properties.SSESpecification)
    }
    for (const { Properties } of kept.resources(STATE, 'AWS::Kinesis::Stream')) {
      usesIt(Properties.StreamEncryption)
    }
    for (const { Properties } of kept.resources(STATE, 'AWS::S3::Bucket')) {
      const [rule] = Properties.BucketEncryption.ServerSideEncryptionConfiguration
      usesIt(rule)
      expect(rule.BucketKeyEnabled).toBe(true)
    }
    for (const { Properties } of kept.resources(STATE, 'AWS::Athena::WorkGroup')) {
      usesIt(Properties.WorkGroupConfiguration.ResultConfiguration.EncryptionConfiguration)
    }
  })

  it('is reached over TLS only, and never by the public', () => {
    const policies = kept.resources(STATE, 'AWS::S3::BucketPolicy')

    expect(policies).toHaveLength(2)
    for (const { Properties } of policies) {
      expect(Properties.PolicyDocument.Statement).toContainEqual(
        expect.objectContaining({
          Effect: 'Deny',
          Action: 's3:*',
          Condition: { Bool: { 'aws:SecureTransport': 'false' } },
        }),
      )
    }
    for (const { Properties } of kept.resources(STATE, 'AWS::S3::Bucket')) {
      expect(Object.values(Properties.PublicAccessBlockConfiguration)).toEqual(Array(4).fill(true))
    }
  })
})

describe('the keys of a cell', () => {
  it('are one for its stores, one for identity that never turns, one for what nobody could decode, one for people', () => {
    const keys = kept.resources(STATE, 'AWS::KMS::Key').map((one) => one.Properties)

    expect(keys.filter((key) => key.EnableKeyRotation === true)).toHaveLength(3)
    expect(keys.filter((key) => key.KeySpec === 'HMAC_256')).toEqual([
      expect.objectContaining({ KeyUsage: 'GENERATE_VERIFY_MAC' }),
    ])
  })

  it('let no other log group in than those of the cell', () => {
    const [key] = kept
      .resources(STATE, 'AWS::KMS::Key')
      .filter((one) => JSON.stringify(one).includes('logs.eu-west-1.amazonaws.com'))
    const statement = key?.Properties.KeyPolicy.Statement.find(
      (one: { Sid: string }) => one.Sid === 'LogsOfThisCell',
    )

    expect(JSON.stringify(statement.Condition)).toContain(':log-group:weir-eu-west-1-*')
  })
})

describe('the stores of a product', () => {
  it('are a provisioned stream as the contract sizes it', () => {
    const [stream] = kept.resources(STATE, 'AWS::Kinesis::Stream')

    expect(stream?.Properties).toMatchObject({
      ShardCount: 3,
      RetentionPeriodHours: 168,
      StreamModeDetails: { StreamMode: 'PROVISIONED' },
    })
  })

  it('are a journal that rings with keys only, and slots that expire', () => {
    const tables = kept.resources(STATE, 'AWS::DynamoDB::Table').map((one) => one.Properties)

    expect(tables.find((table) => table.StreamSpecification)).toMatchObject({
      StreamSpecification: { StreamViewType: 'KEYS_ONLY' },
    })
    expect(tables.find((table) => table.TimeToLiveSpecification)).toMatchObject({
      TimeToLiveSpecification: { AttributeName: 'expiresAt', Enabled: true },
    })
  })

  it('keep each kind of object as long as the contract says, hidden versions included', () => {
    const rules = bucketOf().Properties.LifecycleConfiguration.Rules
    const days = (prefix: string) => {
      const rule = rules.find((one: { Prefix?: string }) => one.Prefix === prefix)
      return [rule.ExpirationInDays, rule.NoncurrentVersionExpiration.NoncurrentDays]
    }

    expect(days('raw/')).toEqual([400, 30])
    expect(days('quarantine/')).toEqual([90, 30])
    expect(days('undecodable/')).toEqual([7, 1])
    expect(days('table/')).toEqual([undefined, 30])
  })

  it('move raw to the class that the contract says, but for what is too small to gain by it', () => {
    const retention = { ...productOf().contract.retention, rawCold: COLD }
    const cold = synth({ products: [productOf({ retention })] })
    const rules = (one: typeof kept) =>
      bucketOf(one).Properties.LifecycleConfiguration.Rules.filter(
        (rule: { Transitions?: unknown }) => rule.Transitions !== undefined,
      )

    expect(rules(kept)).toEqual([])
    expect(rules(cold)).toEqual([
      expect.objectContaining({
        Prefix: 'raw/',
        ObjectSizeGreaterThan: 131_071,
        Transitions: [{ StorageClass: 'GLACIER_IR', TransitionInDays: 120 }],
      }),
    ])
  })

  it('lock raw where the contract says so, and where anything is to stay', () => {
    const retention = { ...productOf().contract.retention, rawLockDays: 365 }
    const products = [productOf({ retention })]
    const locked = synth({ products })
    const disposable = synth({ products, topology: { disposable: true } })

    expect(bucketOf().Properties.ObjectLockEnabled).toBeUndefined()
    expect(bucketOf(locked).Properties.ObjectLockEnabled).toBe(true)
    // A lock by default would hold the table's files too, which maintenance removes.
    expect(bucketOf(locked).Properties.ObjectLockConfiguration).toBeUndefined()
    expect(bucketOf(disposable).Properties.ObjectLockEnabled).toBeUndefined()
    const days = (one: typeof kept) =>
      one
        .resources('weir-eu-west-1-sensor-readings', 'AWS::Lambda::Function')
        .map(({ Properties }) => Properties.Environment.Variables.RAW_LOCK_DAYS)
        .filter((value) => value !== undefined)
    expect([days(kept), days(locked), days(disposable)]).toEqual([[], ['365'], []])
  })

  it('take a raw object only from who asks that there be none', () => {
    const [statement] = kept
      .resources(STATE, 'AWS::S3::BucketPolicy')
      .flatMap((one) => one.Properties.PolicyDocument.Statement)
      .filter((one) => one.Sid === 'RawIsCreatedOnce')

    expect(statement).toMatchObject({
      Effect: 'Deny',
      Action: 's3:PutObject',
      Condition: { Null: { 's3:if-none-match': 'true' } },
    })
    expect(JSON.stringify(statement.Resource)).toContain('/raw/*')
  })

  it('are queried without a crawler: partitions follow from region and date', () => {
    const tables = kept.resources(STATE, 'AWS::Glue::Table').map((one) => one.Properties.TableInput)

    expect(tables.map((table) => table.Name).sort()).toEqual([
      'sensor_readings_late',
      'sensor_readings_quarantine',
      'sensor_readings_raw',
    ])
    for (const { Parameters, PartitionKeys } of tables) {
      expect(PartitionKeys.map((key: { Name: string }) => key.Name)).toEqual(['region', 'date'])
      expect(Parameters).toMatchObject({
        'projection.enabled': 'true',
        'projection.region.values': 'eu-west-1',
      })
      expect(JSON.stringify(Parameters['storage.location.template'])).toContain(
        `region=\${region}/date=\${date}/`,
      )
    }
  })

  it('are found by the keys of the outputs', () => {
    const { Outputs } = kept.template(STATE)

    for (const key of ['StreamName', 'Bucket', 'JournalTable', 'SlotsTable', 'FeaturesTable']) {
      expect(Outputs[`SensorReadings${key}`]).toBeDefined()
    }
    expect(Outputs.Database).toBeDefined()
    expect(Outputs.QueryWorkGroupAnalysts?.Value).toBe('weir-analysts')
    expect(Outputs.QueryWorkGroupOperations?.Value).toBe('weir-operations')
  })

  it('keep their ids: another id would be an empty store', () => {
    const { Resources } = kept.template(STATE)
    const stateful = /Stream$|Bucket$|DynamoDB::Table$|Key$|Database$/
    const ids = Object.keys(Resources).filter((id) => stateful.test(Resources[id]!.Type))

    expect(ids.map((id) => id.slice(0, -8)).sort()).toEqual([
      'CatalogDatabase',
      'CatalogResults',
      'ErasuresTable',
      'KeysCell',
      'KeysCertificates',
      'KeysIdentity',
      'KeysSubjects',
      'KeysUndecodable',
      'SensorReadingsEventsStream',
      'SensorReadingsFeaturesTable',
      'SensorReadingsJournalTable',
      'SensorReadingsObjectsBucket',
      'SensorReadingsSlotsTable',
      'SubjectKeysTable',
    ])
  })
})

describe('queries of people', () => {
  it('cannot read without limit nor choose where their results go, each purpose for itself', () => {
    const groups = kept.resources(STATE, 'AWS::Athena::WorkGroup').map((one) => one.Properties)

    expect(
      groups.map(({ Name, WorkGroupConfiguration: settings }) => [
        Name,
        settings.BytesScannedCutoffPerQuery,
        settings.EnforceWorkGroupConfiguration,
      ]),
    ).toEqual([
      ['weir-analysts', 10_000_000_000, true],
      ['weir-operations', 1_000_000_000_000, true],
    ])
    const places = groups.map(({ WorkGroupConfiguration: settings }) =>
      JSON.stringify(settings.ResultConfiguration.OutputLocation),
    )
    expect(places[0]).toContain('/analysts/')
    expect(places[1]).toContain('/operations/')
  })

  it('have the purposes that the topology states', () => {
    const purposes = [
      ...defineTopology().purposes,
      { name: 'auditors', description: 'Proofs', scanLimitBytes: 20_000_000 },
    ]
    const { Outputs } = synth({ topology: { purposes } }).template(STATE)

    expect(Outputs.QueryWorkGroupAuditors?.Value).toBe('weir-auditors')
  })
})
