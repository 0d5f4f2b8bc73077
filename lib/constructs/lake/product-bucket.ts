import { Duration, type RemovalPolicy } from 'aws-cdk-lib'
import { AnyPrincipal, Effect, PolicyStatement } from 'aws-cdk-lib/aws-iam'
import type { IKey } from 'aws-cdk-lib/aws-kms'
import type { Bucket, IBucket, LifecycleRule } from 'aws-cdk-lib/aws-s3'
import { Construct } from 'constructs'
import type { Permission, Reach } from '#lib/constructs/kernel/function-role.ts'
import type { Contract } from '#lib/domain/contract/contract.ts'
import { encryptedBucket } from './encrypted-bucket.ts'

export interface ProductBucketProps {
  readonly contract: Contract
  readonly cellKey: IKey
  readonly removalPolicy: RemovalPolicy
}

/** How long a deleted or replaced object can still be brought back. */
const RECOVERY = Duration.days(30)

/**
 * Everything that a product keeps as objects: raw, quarantine, undecodable bytes, what became of batches, and the
 * table. Backed up by its own versions and no other way, for the reason that `ItemTable` gives.
 */
export class ProductBucket extends Construct {
  readonly bucket: IBucket

  constructor(scope: Construct, id: string, props: ProductBucketProps) {
    super(scope, id)
    const { rawDays, quarantineDays, undecodableDays } = props.contract.retention
    const bucket = encryptedBucket(this, 'Bucket', {
      cellKey: props.cellKey,
      removalPolicy: props.removalPolicy,
      versioned: true,
      lifecycleRules: [
        expiry('raw', rawDays, RECOVERY),
        expiry('quarantine', quarantineDays, RECOVERY),
        // Longer than the rows they speak of: one that is forgotten sooner would be replayed twice.
        expiry('quarantine-replays', quarantineDays + RECOVERY.toDays() + 1, RECOVERY),
        // Nobody knows what is in them: once they are due they are gone, not merely hidden.
        expiry('undecodable', undecodableDays, Duration.days(1)),
        expiry('late', rawDays, RECOVERY),
        ...['batches', 'table', 'features'].map((prefix) => recovery(prefix)),
        { id: 'uploads', abortIncompleteMultipartUploadAfter: Duration.days(1) },
      ],
    })
    refuseOverwritingRaw(bucket)
    this.bucket = bucket
  }

  /** Permission to create or replace objects under prefixes; never to delete one. */
  allowPut(...prefixes: readonly string[]): Permission {
    return { actions: ['s3:PutObject'], within: this.under(prefixes) }
  }

  /** Permission to read objects under prefixes. */
  allowGet(...prefixes: readonly string[]): Permission {
    return { actions: ['s3:GetObject'], within: this.under(prefixes) }
  }

  /** Without it an object that is not there answers 403, like one that may not be read. */
  allowMissing(): Permission {
    return { actions: ['s3:ListBucket'], on: [this.bucket.bucketArn] }
  }

  private under(prefixes: readonly string[]): Reach[] {
    return prefixes.map((prefix) => ({
      resource: this.bucket.arnForObjects(`${prefix}/*`),
      because: `the keys under ${prefix}/ follow from positions in the stream and from content, so only the prefix is known`,
    }))
  }
}

function expiry(prefix: string, days: number, recoverable: Duration): LifecycleRule {
  return {
    id: prefix,
    prefix: `${prefix}/`,
    expiration: Duration.days(days),
    noncurrentVersionExpiration: recoverable,
  }
}

function recovery(prefix: string): LifecycleRule {
  return {
    id: prefix,
    prefix: `${prefix}/`,
    noncurrentVersionExpiration: RECOVERY,
    expiredObjectDeleteMarker: true,
  }
}

/**
 * Raw decides what a batch was, and is decided once: who puts a raw object must ask that there be none. The archive
 * always asks; this is the second net, also under whoever else may write here.
 */
function refuseOverwritingRaw(bucket: Bucket): void {
  bucket.addToResourcePolicy(
    new PolicyStatement({
      sid: 'RawIsCreatedOnce',
      effect: Effect.DENY,
      principals: [new AnyPrincipal()],
      actions: ['s3:PutObject'],
      resources: [bucket.arnForObjects('raw/*')],
      conditions: {
        Null: { 's3:if-none-match': 'true' },
        // Parts of an upload carry no condition; the call that completes it creates the object and must.
        Bool: { 's3:ObjectCreationOperation': 'true' },
      },
    }),
  )
}
