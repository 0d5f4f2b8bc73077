import { Duration } from 'aws-cdk-lib'
import { Rule, RuleTargetInput, Schedule } from 'aws-cdk-lib/aws-events'
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets'
import type { IFunction } from 'aws-cdk-lib/aws-lambda'
import { Construct } from 'constructs'

export interface SweepProps {
  /** Those who read the journal past a fence. */
  readonly consumers: readonly IFunction[]
}

/** Rings every consumer each minute, so that no bell has to be trusted. */
export class Sweep extends Construct {
  constructor(scope: Construct, id: string, props: SweepProps) {
    super(scope, id)
    // The next minute rings again: a repeat of this one would only come between.
    const once = { retryAttempts: 0, maxEventAge: Duration.minutes(1) }
    const event = RuleTargetInput.fromObject({ bell: 'sweep' })
    new Rule(this, 'Rule', {
      description: 'Rings the consumers of the journal',
      schedule: Schedule.rate(Duration.minutes(1)),
      targets: props.consumers.map((consumer) => new LambdaFunction(consumer, { event, ...once })),
    })
    // The rule hands over to a queue of Lambda's own, which would repeat for hours by default.
    for (const consumer of props.consumers) consumer.configureAsyncInvoke(once)
  }
}
