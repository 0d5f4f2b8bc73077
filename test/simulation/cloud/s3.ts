import { S3Client } from '@aws-sdk/client-s3'
import type { Choices } from '../kernel/choices.ts'
import type { Network } from './network.ts'
import type { Process } from './process.ts'
import { refusal } from './service-errors.ts'

export interface ObjectChange {
  readonly uri: string
  readonly before: Uint8Array | undefined
  /** Undefined if it was removed. */
  readonly after: Uint8Array | undefined
  /** Whether the writer asked that no object be there. */
  readonly isConditional: boolean
}

interface DeleteInput {
  readonly Bucket: string
  readonly Delete: { readonly Objects: readonly { readonly Key: string }[] }
}

interface PutInput {
  readonly Bucket: string
  readonly Key: string
  readonly Body: Uint8Array
  readonly IfNoneMatch?: string
}

/**
 * S3 as it is documented: whole objects, strongly consistent; of conditional writes to one key the first to finish
 * succeeds and later ones get 412; while another is under way a 409 may come, which decides nothing.
 */
export class S3Model {
  readonly #network: Network
  readonly #choices: Choices
  readonly #nowMs: () => number
  readonly #onChange: (change: ObjectChange) => void
  readonly #objects = new Map<string, { readonly body: Uint8Array; readonly writtenMs: number }>()
  /** Conditional writes on their way, by object. */
  readonly #racing = new Map<string, number>()

  constructor(options: {
    readonly network: Network
    readonly choices: Choices
    readonly nowMs: () => number
    readonly onChange: (change: ObjectChange) => void
  }) {
    this.#network = options.network
    this.#choices = options.choices
    this.#nowMs = options.nowMs
    this.#onChange = options.onChange
  }

  /** A client of one process. */
  client(process: Process): S3Client {
    const send = async (command: { readonly input: unknown }) => {
      const kind = command.constructor.name
      switch (kind) {
        case 'GetObjectCommand':
          return this.#sendGet(process, command.input as { Bucket: string; Key: string })
        case 'PutObjectCommand':
          return this.#sendPut(process, command.input as PutInput)
        case 'DeleteObjectsCommand':
          return this.#sendDelete(process, command.input as DeleteInput)
        case 'ListObjectsV2Command':
          return this.#sendList(process, command.input as { Bucket: string; Prefix: string })
        default:
          throw new Error(`the model of S3 knows no ${kind}`)
      }
    }
    // The SDK's paginators take only what is one of its clients.
    return Object.assign(Object.create(S3Client.prototype) as S3Client, { send })
  }

  /** An object as it stands, for checks; not to be changed. */
  object(uri: string): Uint8Array | undefined {
    return this.#objects.get(uri)?.body
  }

  *uris(prefix: string): Iterable<string> {
    for (const uri of this.#objects.keys()) if (uri.startsWith(prefix)) yield uri
  }

  #sendGet(process: Process, { Bucket, Key }: { Bucket: string; Key: string }) {
    const uri = `s3://${Bucket}/${Key}`
    return this.#network.send(process, {
      service: 's3',
      operation: 'GetObject',
      target: uri,
      isWrite: false,
      apply: () => {
        const found = this.#objects.get(uri)
        if (found === undefined) throw refusal('NoSuchKey', 404)
        return { Body: { transformToByteArray: async () => new Uint8Array(found.body) } }
      },
    })
  }

  #sendPut(process: Process, input: PutInput) {
    const uri = `s3://${input.Bucket}/${input.Key}`
    const isConditional = input.IfNoneMatch === '*'
    // Bytes travel: what the sender does to its buffer later does not reach them.
    const body = new Uint8Array(input.Body)
    const collides = this.#choices.deviate(
      `collision ${process.name}#${process.calls + 1}`,
      (random) => (isConditional && random() < 0.3 ? true : undefined),
      isConditional ? [true] : [],
    )
    if (isConditional) this.#racing.set(uri, (this.#racing.get(uri) ?? 0) + 1)
    return this.#network
      .send(process, {
        service: 's3',
        operation: isConditional ? 'PutObject if absent' : 'PutObject',
        target: uri,
        isWrite: true,
        apply: () => {
          if (isConditional && this.#objects.has(uri)) {
            throw refusal('PreconditionFailed', 412)
          }
          if (collides && (this.#racing.get(uri) ?? 0) > 1) {
            throw refusal('ConditionalRequestConflict', 409)
          }
          this.#put(uri, body, isConditional)
          return {}
        },
      })
      .finally(() => {
        if (isConditional) this.#racing.set(uri, this.#racing.get(uri)! - 1)
      })
  }

  #sendDelete(process: Process, { Bucket, Delete }: DeleteInput) {
    const uris = Delete.Objects.map(({ Key }) => `s3://${Bucket}/${Key}`)
    return this.#network.send(process, {
      service: 's3',
      operation: 'DeleteObjects',
      target: `(${uris.length})`,
      isWrite: true,
      apply: () => {
        for (const uri of uris) {
          const before = this.#objects.get(uri)?.body
          if (!this.#objects.delete(uri)) continue
          this.#onChange({ uri, before, after: undefined, isConditional: false })
        }
        return {}
      },
    })
  }

  #put(uri: string, body: Uint8Array, isConditional: boolean): void {
    const before = this.#objects.get(uri)?.body
    this.#objects.set(uri, { body, writtenMs: this.#nowMs() })
    this.#onChange({ uri, before, after: body, isConditional })
  }

  #sendList(process: Process, { Bucket, Prefix }: { Bucket: string; Prefix: string }) {
    const prefix = `s3://${Bucket}/${Prefix}`
    return this.#network.send(process, {
      service: 's3',
      operation: 'ListObjectsV2',
      target: prefix,
      isWrite: false,
      apply: () => ({
        Contents: [...this.uris(prefix)].sort().map((uri) => {
          const { body, writtenMs } = this.#objects.get(uri)!
          return {
            Key: uri.slice(`s3://${Bucket}/`.length),
            Size: body.length,
            LastModified: new Date(writtenMs),
          }
        }),
      }),
    })
  }
}
