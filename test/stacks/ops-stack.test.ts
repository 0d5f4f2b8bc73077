import { describe, expect, it } from 'vitest'
import { synth } from '#test/support/synth.ts'
import { productOf } from '#test/support/synth-product.ts'

const OPS = 'weir-us-east-1-ops'
const cell = synth({ products: [productOf(), productOf({ product: 'trips' })] })
const alarms = cell.resources(OPS, 'AWS::CloudWatch::Alarm').map((one) => one.Properties)

describe('alarms', () => {
  it('are seven for a product and three for the cell, each by its own name', () => {
    const names = alarms.map((alarm) => alarm.AlarmName)

    expect(new Set(names).size).toBe(2 * 7 + 3)
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
  const tending = (of = tended) =>
    of
      .resources(OPS, 'AWS::StepFunctions::StateMachine')
      .filter(({ Properties }) => Properties.Definition.Comment.startsWith('Tends'))
  const [machine] = tending()

  it('is one for the cell, logs all it does, and goes on until a product is done', () => {
    expect(tending()).toHaveLength(1)
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
    const tends = functions.find(({ Properties }) => Properties.Description.startsWith('Tends'))

    expect(machine?.Properties.Definition.States.Step.TimeoutSeconds).toBeGreaterThan(
      tends?.Properties.Timeout,
    )
  })

  it('is started for each product as its contract says, with the product’s own function', () => {
    const clocks = tended
      .resources(OPS, 'AWS::Events::Rule')
      .filter(({ Properties }) => Properties.Description.endsWith('tended'))
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

    expect(tending(bare)).toHaveLength(1)
    expect(bare.resources(OPS, 'AWS::Events::Rule')).toEqual([])
  })

  it('may call the functions that tend tables, and no other', () => {
    const statements = tended
      .resources(OPS, 'AWS::IAM::Role')
      .flatMap(({ Properties }) => Properties.Policies ?? [])
      .flatMap(({ PolicyDocument }) => PolicyDocument.Statement)
    const invoking = statements.filter(
      ({ Action, Resource }) =>
        [Action].flat().includes('lambda:InvokeFunction') &&
        JSON.stringify(Resource).includes('MaintainTable'),
    )

    expect(invoking).toHaveLength(1)
    expect(invoking[0].Resource).toHaveLength(3)
    for (const one of invoking[0].Resource) expect(JSON.stringify(one)).toContain('MaintainTable')
  })
})

describe('the machine that publishes features', () => {
  const view = {
    name: 'by-sensor',
    description: 'By sensor and hour.',
    key: 'sensor_id',
    window: { kind: 'tumbling', sizeSeconds: 3600 },
    aggregates: [{ name: 'readings', function: 'count' }],
    freshnessSeconds: 60,
  } as const
  const total = { ...view, name: 'total', window: { kind: 'running' } } as const
  const published = synth({
    products: [
      { ...productOf(), views: [view] },
      { ...productOf({ product: 'trips' }), views: [total] },
    ],
  })
  const machine = published
    .resources(OPS, 'AWS::StepFunctions::StateMachine')
    .find(({ Properties }) => Properties.Definition.Comment.startsWith('Publishes'))
  const { States, StartAt } = machine!.Properties.Definition

  it('goes through all phases in their order, and stays in one until the function hands over', () => {
    const order = [States[StartAt].Next]
    for (let name = order[0]; States[`${name}IsOver`] !== undefined; ) {
      name = States[`${name}IsOver`].Default
      order.push(name)
    }

    expect(order).toEqual(['Plan', 'Compute', 'Write', 'Count', 'Gate', 'Point', 'Done'])
    for (const name of order.slice(0, -1)) {
      const [wait, again] = States[`${name}IsOver`].Choices
      expect(wait).toMatchObject({ Variable: '$.waitSeconds', Next: `${name}Later` })
      expect(again).toMatchObject({ StringEquals: name.toLowerCase(), Next: name })
      expect(States[`${name}Later`]).toMatchObject({ Type: 'Wait', Next: name })
    }
  })

  it('repeats what a repeat may mend, and nothing else', () => {
    const [final, others] = States.Gate.Retry

    expect(final).toMatchObject({ MaxAttempts: 0 })
    expect(final.ErrorEquals).toContain('features.notReady')
    expect(others.ErrorEquals).toEqual(['States.ALL'])
  })

  it('is started each night for each product that has something to publish', () => {
    const clocks = published
      .resources(OPS, 'AWS::Events::Rule')
      .filter(({ Properties }) => Properties.Description.endsWith('published'))
      .map(({ Properties }) => [Properties.Description, Properties.ScheduleExpression])

    expect(clocks).toEqual([['Has the features of sensor_readings published', 'cron(5 0 * * ? *)']])
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
