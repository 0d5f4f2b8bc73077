import { ArnFormat, type RemovalPolicy, Stack } from 'aws-cdk-lib'
import {
  AccountRootPrincipal,
  PolicyDocument,
  PolicyStatement,
  ServicePrincipal,
} from 'aws-cdk-lib/aws-iam'
import { type IKey, Key, KeySpec, KeyUsage } from 'aws-cdk-lib/aws-kms'
import { Construct } from 'constructs'

export interface CellKeysProps {
  /** Names of the log groups that the cell key encrypts start with this. */
  readonly logGroupPrefix: string
  readonly removalPolicy: RemovalPolicy
}

/** What administrators of the account may do with a key, so that policies of roles can allow it. */
const ADMINISTRATION = [
  'CancelKeyDeletion',
  'CreateAlias',
  'CreateGrant',
  'DeleteAlias',
  'DescribeKey',
  'DisableKey',
  'DisableKeyRotation',
  'EnableKey',
  'EnableKeyRotation',
  'GetKeyPolicy',
  'GetKeyRotationStatus',
  'ListGrants',
  'ListKeyPolicies',
  'ListKeyRotations',
  'ListResourceTags',
  'PutKeyPolicy',
  'RetireGrant',
  'RevokeGrant',
  'ScheduleKeyDeletion',
  'TagResource',
  'UntagResource',
  'UpdateAlias',
  'UpdateKeyDescription',
]
const ENCRYPTION = [
  'Decrypt',
  'Encrypt',
  'GenerateDataKey',
  'GenerateDataKeyWithoutPlaintext',
  'ReEncryptFrom',
  'ReEncryptTo',
]
const AUTHENTICATION = ['GenerateMac', 'VerifyMac']

/** The keys of one cell. No other cell knows them. */
export class CellKeys extends Construct {
  /** Encrypts everything that the cell stores, but for what nobody could decode. */
  readonly cell: IKey
  /** HMAC key from which the identity of events is derived: nobody outside can craft two ids that collide. */
  readonly identity: IKey
  /** Of bytes that nobody could decode: nobody knows what is in them, so few may read them. */
  readonly undecodable: IKey
  /** Wraps the branch keys that wrap the keys of people: who cannot decrypt with it reads nobody's data. */
  readonly subjects: IKey

  constructor(scope: Construct, id: string, props: CellKeysProps) {
    super(scope, id)
    const { removalPolicy } = props
    this.cell = new Key(this, 'Cell', {
      description: 'Everything that this cell stores',
      enableKeyRotation: true,
      policy: new PolicyDocument({
        statements: [this.account(ENCRYPTION), this.logs(props.logGroupPrefix), this.alarms()],
      }),
      removalPolicy,
    })
    this.identity = new Key(this, 'Identity', {
      description: 'Identity of events in this cell',
      // It never rotates: an event resent tomorrow must have the identity that it had today.
      keySpec: KeySpec.HMAC_256,
      keyUsage: KeyUsage.GENERATE_VERIFY_MAC,
      policy: new PolicyDocument({ statements: [this.account(AUTHENTICATION)] }),
      removalPolicy,
    })
    this.undecodable = new Key(this, 'Undecodable', {
      description: 'Bytes that nobody could decode in this cell',
      enableKeyRotation: true,
      policy: new PolicyDocument({ statements: [this.account(ENCRYPTION)] }),
      removalPolicy,
    })
    this.subjects = new Key(this, 'Subjects', {
      description: 'Keys of people in this cell',
      enableKeyRotation: true,
      policy: new PolicyDocument({ statements: [this.account(ENCRYPTION)] }),
      removalPolicy,
    })
  }

  /** Lets the account's own IAM policies decide, as the default policy does, action by action. */
  private account(usage: readonly string[]): PolicyStatement {
    return new PolicyStatement({
      sid: 'AccountPoliciesDecide',
      principals: [new AccountRootPrincipal()],
      actions: kms([...ADMINISTRATION, ...usage]),
      resources: ['*'],
    })
  }

  private logs(prefix: string): PolicyStatement {
    const stack = Stack.of(this)
    return new PolicyStatement({
      sid: 'LogsOfThisCell',
      principals: [new ServicePrincipal(`logs.${stack.region}.amazonaws.com`)],
      actions: kms([...ENCRYPTION, 'DescribeKey']),
      resources: ['*'],
      conditions: {
        ArnLike: {
          'kms:EncryptionContext:aws:logs:arn': stack.formatArn({
            service: 'logs',
            resource: 'log-group',
            resourceName: `${prefix}*`,
            arnFormat: ArnFormat.COLON_RESOURCE_NAME,
          }),
        },
      },
    })
  }

  /** Alarms are announced on an encrypted topic. */
  private alarms(): PolicyStatement {
    return new PolicyStatement({
      sid: 'AlarmsOfThisAccount',
      principals: [new ServicePrincipal('cloudwatch.amazonaws.com')],
      actions: kms(['Decrypt', 'GenerateDataKey']),
      resources: ['*'],
      conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(this).account } },
    })
  }
}

function kms(actions: readonly string[]): string[] {
  return actions.map((action) => `kms:${action}`).sort()
}
