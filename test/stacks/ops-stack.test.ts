import { describe, expect, it } from 'vitest'
import { synth } from '#test/support/synth.ts'
import { productOf } from '#test/support/synth-product.ts'

const OPS = 'weir-us-east-1-ops'
const cell = synth({ products: [productOf(), productOf({ product: 'trips' })] })
const alarms = cell.resources(OPS, 'AWS::CloudWatch::Alarm').map((one) => one.Properties)

describe('alarms', () => {
  it('are seven for a product and one for the cell, each by its own name', () => {
    const names = alarms.map((alarm) => alarm.AlarmName)

    expect(new Set(names).size).toBe(2 * 7 + 1)
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

describe('the dashboard', () => {
  it('has a row for each product', () => {
    const [dashboard] = cell.resources(OPS, 'AWS::CloudWatch::Dashboard')
    const body = JSON.stringify(dashboard?.Properties.DashboardBody)

    expect(body).toContain('## trips')
    expect(body).toContain('## sensor_readings')
  })
})
