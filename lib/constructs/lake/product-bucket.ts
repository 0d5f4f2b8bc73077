import { Duration, RemovalPolicy } from 'aws-cdk-lib'
import { AnyPrincipal, Effect, PolicyStatement } from 'aws-cdk-lib/aws-iam'
import type { IKey } from 'aws-cdk-lib/aws-kms'
import { type Bucket, type IBucket, type LifecycleRule, StorageClass } from 'aws-cdk-lib/aws-s3'
import { Construct } from 'constructs'
import type { Permission, Reach } from '#lib/constructs/kernel/function-role.ts'
import type { Contract } from '#lib/domain/contract/contract.ts'
import type { ColdClass, RawColdTerms } from '#lib/domain/contract/raw-storage-terms.ts'
import { PUBLICATIONS_PREFIX } from '#lib/domain/features/publish/run-objects.ts'
import { MAINTENANCE_PREFIX } from '#lib/domain/ingest/layout.ts'
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
  /** For how many days each raw object has to be locked; absent: not at all. */
  readonly rawLockDays?: number

  constructor(scope: Construct, id: string, props: ProductBucketProps) {
    super(scope, id)
    const { rawDays, rawCold, rawLockDays, quarantineDays, undecodableDays } =
      props.contract.retention
    // What may be thrown away as a whole has nothing that must stay.
    const isLocked = rawLockDays !== undefined && props.removalPolicy !== RemovalPolicy.DESTROY
    const bucket = encryptedBucket(this, 'Bucket', {
      cellKey: props.cellKey,
      removalPolicy: props.removalPolicy,
      versioned: true,
      locks: isLocked,
      lifecycleRules: [
        expiry('raw', rawDays, RECOVERY),
        ...(rawCold === undefined ? [] : [transition('raw', rawCold)]),
        expiry('quarantine', quarantineDays, RECOVERY),
        // Longer than the rows they speak of: one that is forgotten sooner would be replayed twice.
        expiry('quarantine-replays', quarantineDays + RECOVERY.toDays() + 1, RECOVERY),
        // Nobody knows what is in them: once they are due they are gone, not merely hidden.
        expiry('undecodable', undecodableDays, Duration.days(1)),
        expiry('late', rawDays, RECOVERY),
        // Late rows of generations other than the first.
        expiry('generations', rawDays, RECOVERY),
        // States that the next run meets again; all of it can be computed anew.
        expiry(PUBLICATIONS_PREFIX, 35, Duration.days(1)),
        // Plans of what to remove, good for the next run.
        expiry(MAINTENANCE_PREFIX, 7, Duration.days(1)),
        ...['batches', 'table', 'features'].map((prefix) => recovery(prefix)),
        { id: 'uploads', abortIncompleteMultipartUploadAfter: Duration.days(1) },
      ],
    })
    refuseOverwritingRaw(bucket)
    this.bucket = bucket
    if (isLocked) this.rawLockDays = rawLockDays
  }

  /** Permission to create or replace objects under prefixes; never to delete one. */
  allowPut(...prefixes: readonly string[]): Permission {
    return { actions: ['s3:PutObject'], within: this.under(prefixes) }
  }

  /** Permission to create raw objects, and to lock those it creates; never to lift a lock. */
  allowPutRaw(): Permission {
    const actions = ['s3:PutObject', ...(this.rawLockDays ? ['s3:PutObjectRetention'] : [])]
    return { actions, within: this.under(['raw']) }
  }

  /** Permission to delete the current version of objects under prefixes: for maintenance only. */
  allowDelete(...prefixes: readonly string[]): Permission {
    return { actions: ['s3:DeleteObject'], within: this.under(prefixes) }
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

const STORAGE_CLASSES: Readonly<Record<ColdClass, StorageClass>> = {
  infrequent: StorageClass.INFREQUENT_ACCESS,
  'instant-archive': StorageClass.GLACIER_INSTANT_RETRIEVAL,
  intelligent: StorageClass.INTELLIGENT_TIERING,
}

/** These classes bill an object as 128 KiB at least, and each move is a request. */
const LEAST_COLD_BYTES = 128 * 1024

function transition(prefix: string, { afterDays, to }: RawColdTerms): LifecycleRule {
  return {
    id: `${prefix}-cold`,
    prefix: `${prefix}/`,
    objectSizeGreaterThan: LEAST_COLD_BYTES - 1,
    transitions: [{ storageClass: STORAGE_CLASSES[to], transitionAfter: Duration.days(afterDays) }],
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
