import { RemovalPolicy } from 'aws-cdk-lib'
import {
  AttributeType,
  BillingMode,
  type ITable,
  type StreamViewType,
  Table,
  TableEncryption,
} from 'aws-cdk-lib/aws-dynamodb'
import type { IKey } from 'aws-cdk-lib/aws-kms'
import { Construct } from 'constructs'
import type { Permission } from './function-role.ts'

export interface ItemTableProps {
  readonly cellKey: IKey
  readonly removalPolicy: RemovalPolicy
  /** How far back the table can be restored. @default 35 */
  readonly recoveryDays?: number
  /** What the table's stream carries. @default no stream */
  readonly stream?: StreamViewType
  /** Attribute with the second after which an item may go. @default items stay */
  readonly expiry?: string
}

/**
 * Items under `pk` and `sk`, in order of `sk`. Backed up continuously and no other way: a copy that outlives the
 * recovery window would outlive erasures too, and all of it can be rebuilt from raw.
 */
export class ItemTable extends Construct {
  readonly table: ITable

  constructor(scope: Construct, id: string, props: ItemTableProps) {
    super(scope, id)
    this.table = new Table(this, 'Table', {
      partitionKey: { name: 'pk', type: AttributeType.STRING },
      sortKey: { name: 'sk', type: AttributeType.STRING },
      billingMode: BillingMode.PAY_PER_REQUEST,
      encryption: TableEncryption.CUSTOMER_MANAGED,
      encryptionKey: props.cellKey,
      pointInTimeRecoverySpecification: {
        pointInTimeRecoveryEnabled: true,
        ...(props.recoveryDays === undefined ? {} : { recoveryPeriodInDays: props.recoveryDays }),
      },
      deletionProtection: props.removalPolicy !== RemovalPolicy.DESTROY,
      removalPolicy: props.removalPolicy,
      ...(props.stream === undefined ? {} : { stream: props.stream }),
      ...(props.expiry === undefined ? {} : { timeToLiveAttribute: props.expiry }),
    })
  }

  /** Permission for single items and queries of the table, each action named. */
  allow(...actions: readonly string[]): Permission {
    return { actions: actions.map((action) => `dynamodb:${action}`), on: [this.table.tableArn] }
  }
}
