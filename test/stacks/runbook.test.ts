import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Metric } from 'aws-cdk-lib/aws-cloudwatch'
import { expect, it } from 'vitest'
import { cellAlarms, productAlarms } from '#lib/constructs/ops/alarm-catalogue.ts'

const runbook = readFileSync(join(import.meta.dirname, '../../docs/runbook.md'), 'utf8')

it('the runbook has a section for every alarm, and no section for an alarm that is gone', () => {
  // Named like an alarm: the others tell how something is done.
  const sections = runbook.match(/^## .*\/.*\/.*$/gm)?.map((heading) => heading.slice(3))
  // Only the names count here: any function and stream will do.
  const unit = new Proxy({}, { get: () => () => ({}) })
  const units = new Proxy(
    {},
    { get: (_, name) => (name === 'freshnessSeconds' ? 2 : unit) },
  ) as Parameters<typeof productAlarms>[0]

  const machine = { failures: () => new Metric({ namespace: 'n', metricName: 'm' }) }
  const alarms = [
    ...productAlarms(units),
    ...cellAlarms({ maintenance: machine, publishing: machine }),
  ].map((alarm) => alarm.name)

  expect(sections?.sort()).toEqual(alarms.sort())
})
