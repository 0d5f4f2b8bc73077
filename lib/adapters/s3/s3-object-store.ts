import { setTimeout as delay } from 'node:timers/promises'
import {
  GetObjectCommand,
  PutObjectCommand,
  type PutObjectCommandInput,
  paginateListObjectsV2,
  type S3Client,
} from '@aws-sdk/client-s3'
import { systemClock } from '#lib/adapters/system/system.ts'
import type { Clock } from '#lib/domain/kernel/clock.ts'
import { PlatformError } from '#lib/domain/kernel/errors.ts'
import type { ObjectStore, ObjectSummary, PutOptions } from '#lib/domain/kernel/object-store.ts'
import { jitteredBackoff } from '#lib/domain/lake/backoff.ts'
import { placeOf } from './s3-place.ts'

export interface S3ObjectStoreProps {
  readonly client: S3Client
  /** Waits before try number `attempt` of a write that met another one. @default random, from 20 ms */
  readonly pause?: (attempt: number) => Promise<void>
  /** Tells until when a lock lasts. @default the system's */
  readonly clock?: Clock
}

const MS_PER_DAY = 86_400_000

const CONFLICT_ATTEMPTS = 8
const BODY_ATTEMPTS = 3

/** Objects in S3. Checksums travel with every body, both ways, as the SDK does by default. */
export class S3ObjectStore implements ObjectStore {
  readonly #client: S3Client
  readonly #pause: (attempt: number) => Promise<void>
  readonly #clock: Clock

  constructor(props: S3ObjectStoreProps) {
    this.#client = props.client
    this.#clock = props.clock ?? systemClock
    this.#pause =
      props.pause ??
      jitteredBackoff({ sleep: (ms) => delay(ms), random: Math.random, firstMs: 20, mostMs: 1000 })
  }

  async get(uri: string): Promise<Uint8Array> {
    for (let attempt = 1; ; attempt++) {
      const { Body } = await this.#open(uri)
      try {
        return (await Body?.transformToByteArray()) ?? new Uint8Array()
      } catch (error) {
        // The SDK repeats requests, not bodies that break off or fail their checksum.
        if (attempt >= BODY_ATTEMPTS) throw error
      }
    }
  }

  async #open(uri: string) {
    try {
      return await this.#client.send(new GetObjectCommand(placeOf(uri)))
    } catch (error) {
      if (!(error instanceof Error) || error.name !== 'NoSuchKey') throw error
      throw new PlatformError('objects.notFound', `there is no object ${uri}`, {
        context: { uri },
        cause: error,
      })
    }
  }

  async put(uri: string, body: Uint8Array, options: PutOptions = {}): Promise<void> {
    await this.#client.send(new PutObjectCommand(this.#input(uri, body, options)))
  }

  async putIfAbsent(
    uri: string,
    body: Uint8Array,
    options: PutOptions = {},
  ): Promise<'created' | 'exists'> {
    const input = { ...this.#input(uri, body, options), IfNoneMatch: '*' }
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#client.send(new PutObjectCommand(input))
        return 'created'
      } catch (error) {
        // 412: an object is there. 409: another write to this key was under way, and what became of it is
        // open; the only way to know is to try again.
        if (statusOf(error) === 412) return 'exists'
        if (statusOf(error) !== 409) throw error
        if (attempt >= CONFLICT_ATTEMPTS) {
          throw new PlatformError('objects.conflict', `writes to ${uri} keep colliding`, {
            retryable: true,
            cause: error,
            context: { uri, attempts: attempt },
          })
        }
        await this.#pause(attempt + 1)
      }
    }
  }

  #input(uri: string, body: Uint8Array, options: PutOptions): PutObjectCommandInput {
    const { contentType, kmsKeyId, lockDays } = options
    return {
      ...placeOf(uri),
      Body: body,
      ...(contentType !== undefined && { ContentType: contentType }),
      ...(kmsKeyId !== undefined && {
        ServerSideEncryption: 'aws:kms' as const,
        SSEKMSKeyId: kmsKeyId,
      }),
      ...(lockDays !== undefined && {
        ObjectLockMode: 'GOVERNANCE' as const,
        ObjectLockRetainUntilDate: new Date(this.#clock.nowMs() + lockDays * MS_PER_DAY),
      }),
    }
  }

  async *list(prefix: string): AsyncIterable<ObjectSummary> {
    const { Bucket, Key } = placeOf(prefix)
    const pages = paginateListObjectsV2({ client: this.#client }, { Bucket, Prefix: Key })
    for await (const { Contents = [] } of pages) {
      for (const { Key: key, Size, LastModified } of Contents) {
        yield {
          uri: `s3://${Bucket}/${key}`,
          sizeBytes: Size ?? 0,
          lastModifiedMs: LastModified?.getTime() ?? 0,
        }
      }
    }
  }
}

function statusOf(error: unknown): number | undefined {
  return (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode
}
