import { DeleteObjectsCommand, type S3Client } from '@aws-sdk/client-s3'
import { PlatformError } from '#lib/domain/kernel/errors.ts'
import type { ObjectRemover } from '#lib/domain/kernel/object-remover.ts'
import { placeOf } from './s3-place.ts'

export interface S3ObjectRemoverProps {
  readonly client: S3Client
}

/** Most keys that S3 takes at once. */
const KEYS_AT_ONCE = 1000

/** Removes objects from S3; in a versioned bucket their current version, which leaves a way back. */
export class S3ObjectRemover implements ObjectRemover {
  readonly #client: S3Client

  constructor(props: S3ObjectRemoverProps) {
    this.#client = props.client
  }

  async remove(uris: readonly string[]): Promise<void> {
    const byBucket = Map.groupBy(uris.map(placeOf), ({ Bucket }) => Bucket)
    const failures: unknown[] = []
    for (const [bucket, places] of byBucket) {
      for (let at = 0; at < places.length; at += KEYS_AT_ONCE) {
        const keys = places.slice(at, at + KEYS_AT_ONCE).map(({ Key }) => Key)
        await this.#removeKeys(bucket, keys).catch((error: unknown) => failures.push(error))
      }
    }
    if (failures.length > 0) throw failures[0]
  }

  async #removeKeys(bucket: string, keys: readonly string[]): Promise<void> {
    const { Errors: errors = [] } = await this.#client.send(
      new DeleteObjectsCommand({
        Bucket: bucket,
        Delete: { Objects: keys.map((Key) => ({ Key })), Quiet: true },
      }),
    )
    const [first] = errors
    if (!first) return
    throw new PlatformError(
      'objects.notRemoved',
      `${errors.length} of ${keys.length} objects in ${bucket} were not removed, first ${first.Key}: ${first.Code} ${first.Message ?? ''}`.trim(),
      { retryable: true },
    )
  }
}
