import { CfnEventSourceMapping, type IFunction } from 'aws-cdk-lib/aws-lambda'
import { Construct } from 'constructs'
import type { Permission } from './function-role.ts'
import type { ItemTable } from './item-table.ts'

export interface JournalBellProps {
  readonly journal: ItemTable
  readonly function: IFunction
  /** How long rings may gather into one. @default 0 */
  readonly gatherSeconds?: number
}

/**
 * Wakes a consumer when the journal gets an entry. It is a bell, not a carrier: the consumer reads the journal past
 * its own fence, and the sweep of each minute rings anyway. So here, unlike on the stream of events, a ring that
 * fails may be dropped.
 */
export class JournalBell extends Construct {
  constructor(scope: Construct, id: string, props: JournalBellProps) {
    super(scope, id)
    new CfnEventSourceMapping(this, 'Mapping', {
      functionName: props.function.functionName,
      eventSourceArn: journalStreamArn(props.journal),
      startingPosition: 'TRIM_HORIZON',
      batchSize: 1000,
      maximumBatchingWindowInSeconds: props.gatherSeconds ?? 0,
      parallelizationFactor: 1,
      maximumRetryAttempts: 2,
      maximumRecordAgeInSeconds: 3600,
    })
  }

  /** What the consumer's role needs for the bell to ring it. */
  static permissions(journal: ItemTable): readonly Permission[] {
    return [
      {
        actions: ['dynamodb:DescribeStream', 'dynamodb:GetRecords', 'dynamodb:GetShardIterator'],
        on: [journalStreamArn(journal)],
      },
      {
        actions: ['dynamodb:ListStreams'],
        within: [{ resource: '*', because: 'ListStreams knows no resources; Lambda asks for it' }],
      },
    ]
  }
}

function journalStreamArn(journal: ItemTable): string {
  const arn = journal.table.tableStreamArn
  if (arn === undefined) throw new Error('the journal has no stream: give its table a stream view')
  return arn
}
