import type { RemovalPolicy } from 'aws-cdk-lib'
import { Validations } from 'aws-cdk-lib'
import type { IKey } from 'aws-cdk-lib/aws-kms'
import {
  BlockPublicAccess,
  Bucket,
  BucketEncryption,
  type LifecycleRule,
  ObjectOwnership,
  TransitionDefaultMinimumObjectSize,
} from 'aws-cdk-lib/aws-s3'
import type { Construct } from 'constructs'

export interface EncryptedBucketProps {
  readonly cellKey: IKey
  readonly removalPolicy: RemovalPolicy
  readonly versioned: boolean
  readonly lifecycleRules: LifecycleRule[]
  /** Whether single objects may be locked; none is by itself. @default false */
  readonly locks?: boolean
}

/** A bucket as every bucket of a cell is: private, reached over TLS only, encrypted with the cell's key. */
export function encryptedBucket(scope: Construct, id: string, props: EncryptedBucketProps): Bucket {
  const bucket = new Bucket(scope, id, {
    encryption: BucketEncryption.KMS,
    encryptionKey: props.cellKey,
    // Without it each object is a call to KMS.
    bucketKeyEnabled: true,
    enforceSSL: true,
    minimumTLSVersion: 1.2,
    blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
    objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
    versioned: props.versioned,
    ...(props.locks ? { objectLockEnabled: true } : {}),
    // By default S3 would leave small objects alone anyway, but for the archives that have to be thawed.
    transitionDefaultMinimumObjectSize:
      TransitionDefaultMinimumObjectSize.ALL_STORAGE_CLASSES_128_K,
    lifecycleRules: props.lifecycleRules,
    // Never with `autoDeleteObjects`: that needs a function which may delete everything.
    removalPolicy: props.removalPolicy,
  })
  Validations.of(bucket).acknowledge({
    id: 'AwsSolutions-S1',
    reason:
      'who read or wrote an object is told by CloudTrail data events of the account; server access logs are best effort and would be one more bucket to keep private',
  })
  return bucket
}
