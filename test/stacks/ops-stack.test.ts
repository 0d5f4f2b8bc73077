import { describe, expect, it } from 'vitest'
import { synth } from '#test/support/synth.ts'
import { productOf } from '#test/support/synth-product.ts'

const OPS = 'weir-us-east-1-ops'
const cell = synth({ products: [productOf(), productOf({ product: 'trips' })] })
const alarms = cell.resources(OPS, 'AWS::CloudWatch::Alarm').map((one) => one.Properties)

describe('alarms', () => {
  it('are seven for a product and two for the cell, each by its own name', () => {
    const names = alarms.map((alarm) => alarm.AlarmName)

    expect(new Set(names).size).toBe(2 * 7 + 2)
    expect(names).toContain('weir/trips/Ingest/ArchiveEvents/IteratorAge')
    expect(names).toContain('weir/us-east-1/Ops/Functions/Throttles')
  })

  it('say where it is written what to do', () => {
    for (const { AlarmName, AlarmDescription } of alarms) {
      const heading = AlarmName.split('/').slice(-3).join('').toLowerCase()

      expect(AlarmDescription).toMatch(new RegExp(` docs/runbook\\.md#${heading}$`))
    }
  })

  it('watch different things', () => {
    const watched = alarms.map(({ Namespace, MetricName, Dimensions }) =>
      JSON.stringify([Namespace, MetricName, Dimensions]),
    )

    expect(new Set(watched).size).toBe(alarms.length)
  })

  it('ring somewhere', () => {
    for (const { AlarmActions } of alarms) expect(AlarmActions).toHaveLength(1)
    expect(cell.template(OPS).Outputs.AlarmTopic).toBeDefined()
  })

  it('take silence of the sweep for a fault, and silence of an idle stream for none', () => {
    const missing = (symptom: string) =>
      alarms.find((alarm) => alarm.AlarmName.endsWith(`trips/${symptom}`))?.TreatMissingData

    expect(missing('Lake/Sweep/Silence')).toBe('breaching')
    expect(missing('Ingest/ArchiveEvents/IteratorAge')).toBe('notBreaching')
  })
})

describe('the machine that tends tables', () => {
  const products = [
    productOf(),
    productOf({ product: 'trips', maintenance: { schedule: 'hourly', targetFileSizeMb: 32 } }),
    productOf({ product: 'rides', maintenance: { schedule: 'never', targetFileSizeMb: 32 } }),
  ]
  const tended = synth({ products })
  const [machine] = tended.resources(OPS, 'AWS::StepFunctions::StateMachine')

  it('is one for the cell, logs all it does, and goes on until a product is done', () => {
    expect(tended.resources(OPS, 'AWS::StepFunctions::StateMachine')).toHaveLength(1)
    expect(machine?.Properties).toMatchObject({
      LoggingConfiguration: { Level: 'ALL' },
      TracingConfiguration: { Enabled: true },
      Definition: {
        StartAt: 'Name',
        States: {
          Step: { OutputPath: '$.Payload', Next: 'IsDone' },
          IsDone: { Choices: [{ BooleanEquals: true, Next: 'Done' }], Default: 'Step' },
        },
      },
    })
  })

  it('waits longer for a step than the step may take', () => {
    const functions = tended.resources('weir-us-east-1-sensor-readings', 'AWS::Lambda::Function')
    const tending = functions.find(({ Properties }) => Properties.Description.startsWith('Tends'))

    expect(machine?.Properties.Definition.States.Step.TimeoutSeconds).toBeGreaterThan(
      tending?.Properties.Timeout,
    )
  })

  it('is started for each product as its contract says, with the product’s own function', () => {
    const clocks = tended
      .resources(OPS, 'AWS::Events::Rule')
      .map(({ Properties: { ScheduleExpression, Targets } }) => [
        ScheduleExpression,
        JSON.stringify(Targets[0].Input).match(/MaintainTableFunction/g)?.length,
      ])

    expect(clocks).toEqual([
      [expect.stringMatching(/^cron\(\d+ 4 \* \* \? \*\)$/), 1],
      [expect.stringMatching(/^cron\(\d+ \* \* \* \? \*\)$/), 1],
    ])
  })

  it('is there before the first product is', () => {
    const bare = synth({ products: [] })

    expect(bare.resources(OPS, 'AWS::StepFunctions::StateMachine')).toHaveLength(1)
    expect(bare.resources(OPS, 'AWS::Events::Rule')).toEqual([])
  })

  it('may call the functions that tend tables, and no other', () => {
    const statements = tended
      .resources(OPS, 'AWS::IAM::Role')
      .flatMap(({ Properties }) => Properties.Policies ?? [])
      .flatMap(({ PolicyDocument }) => PolicyDocument.Statement)
    const invoking = statements.filter(({ Action }) =>
      [Action].flat().includes('lambda:InvokeFunction'),
    )

    expect(invoking).toHaveLength(1)
    expect(invoking[0].Resource).toHaveLength(3)
    for (const one of invoking[0].Resource) expect(JSON.stringify(one)).toContain('MaintainTable')
  })
})

describe('the dashboard', () => {
  it('has a row for each product', () => {
    const [dashboard] = cell.resources(OPS, 'AWS::CloudWatch::Dashboard')
    const body = JSON.stringify(dashboard?.Properties.DashboardBody)

    expect(body).toContain('## trips')
    expect(body).toContain('## sensor_readings')
  })
})
