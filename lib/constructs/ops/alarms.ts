import { Stack } from 'aws-cdk-lib'
import { Alarm } from 'aws-cdk-lib/aws-cloudwatch'
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions'
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import type { IKey } from 'aws-cdk-lib/aws-kms'
import { type ITopic, Topic } from 'aws-cdk-lib/aws-sns'
import { Construct } from 'constructs'
import { type AlarmDefinition, runbookAnchor } from './alarm-catalogue.ts'

export interface AlarmTopicProps {
  readonly cellKey: IKey
}

/** Where the alarms of a cell ring: whoever is on duty subscribes. */
export class AlarmTopic extends Construct {
  readonly topic: ITopic

  constructor(scope: Construct, id: string, props: AlarmTopicProps) {
    super(scope, id)
    const topic = new Topic(this, 'Topic', { masterKey: props.cellKey, enforceSSL: true })
    // A topic with a policy of its own, here for TLS, no longer lets its account's alarms in by itself.
    topic.addToResourcePolicy(
      new PolicyStatement({
        sid: 'AlarmsOfThisAccount',
        principals: [new ServicePrincipal('cloudwatch.amazonaws.com')],
        actions: ['sns:Publish'],
        resources: [topic.topicArn],
        conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(this).account } },
      }),
    )
    this.topic = topic
  }
}

export interface AlarmsProps {
  /** In front of each name, since alarms of a region share one namespace. */
  readonly prefix: string
  readonly definitions: readonly AlarmDefinition[]
  readonly topic: ITopic
}

/** The alarms of one product, or of the cell. */
export class Alarms extends Construct {
  constructor(scope: Construct, id: string, props: AlarmsProps) {
    super(scope, id)
    for (const definition of props.definitions) {
      const { name, meaning, metric, threshold, comparison, minutes, missing } = definition
      const alarm = new Alarm(this, name.replaceAll('/', ''), {
        alarmName: `${props.prefix}/${name}`,
        alarmDescription: `${meaning} ${runbookAnchor(name)}`,
        metric,
        threshold,
        comparisonOperator: comparison,
        evaluationPeriods: minutes,
        treatMissingData: missing,
      })
      alarm.addAlarmAction(new SnsAction(props.topic))
    }
  }
}
