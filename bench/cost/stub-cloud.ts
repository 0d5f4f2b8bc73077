import { Readable } from 'node:stream'
import { StubDynamoDb } from './stub-dynamodb.ts'

/** What an SDK client gives its HTTP handler. */
interface WireRequest {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: Uint8Array | string
}

interface WireAnswer {
  readonly status: number
  readonly body?: Uint8Array | string
}

type Json = Readonly<Record<string, unknown>>

/**
 * As much of S3, DynamoDB, Glue and Kinesis as the lake path calls, in memory, behind the HTTP handler of real SDK
 * clients: so calls are counted on the wire, by the thousand a second, the same each time. It knows nothing of prices.
 * A call that it does not know fails: a new call has to be looked at before it is counted.
 */
export class StubCloud {
  readonly #objects = new Map<string, Uint8Array>()
  readonly #dynamoDb = new StubDynamoDb()
  readonly #tables = new Map<string, Json & { VersionId: string }>()
  #sequence = 49_000_000_000_000_000_000n

  /** For the settings of any client. */
  get clientConfig() {
    return {
      region: 'us-east-1',
      credentials: { accessKeyId: 'stub', secretAccessKey: 'stub' },
      maxAttempts: 1,
      forcePathStyle: true,
      requestHandler: {
        metadata: { handlerProtocol: 'http/1.1' },
        handle: async (request: WireRequest) => {
          const { status, body = '' } = this.#answer(request)
          return {
            response: { statusCode: status, headers: {}, body: Readable.from([Buffer.from(body)]) },
          }
        },
      } as never,
    }
  }

  /** Bytes under a prefix of object keys. */
  storedBytes(prefix: string): number {
    let bytes = 0
    for (const [key, body] of this.#objects) if (key.startsWith(prefix)) bytes += body.byteLength
    return bytes
  }

  #answer(request: WireRequest): WireAnswer {
    // Not by the host: where an endpoint is configured, it is the same for all.
    const target = request.headers['x-amz-target']
    if (target === undefined) return this.#s3(request)
    const [service, operation = ''] = target.split('.')
    const input = JSON.parse(bytesOf(request.body).toString('utf8')) as Json
    if (service === 'DynamoDB_20120810') return answerJson(this.#dynamoDb.answer(operation, input))
    if (service === 'AWSGlue') return answerJson(this.#glue(operation, input))
    if (service === 'Kinesis_20131202') return answerJson(this.#kinesis(operation, input))
    throw new Error(`the stub has no service ${service}`)
  }

  #s3({ method, path, headers, body }: WireRequest): WireAnswer {
    const key = decodeURIComponent(path.slice(1))
    const found = this.#objects.get(key)
    if (method === 'GET') {
      return found === undefined ? s3Error(404, 'NoSuchKey') : { status: 200, body: found }
    }
    if (method !== 'PUT') throw new Error(`the stub's S3 knows no ${method}`)
    if (headers['if-none-match'] === '*' && found !== undefined) {
      return s3Error(412, 'PreconditionFailed')
    }
    this.#objects.set(key, Uint8Array.from(bytesOf(body)))
    return { status: 200 }
  }

  #glue(operation: string, input: Json): Json {
    const given = input.TableInput as Json | undefined
    const key = `${input.DatabaseName}.${input.Name ?? given?.Name}`
    const table = this.#tables.get(key)
    switch (operation) {
      case 'GetTable':
        return table === undefined ? { __type: 'EntityNotFoundException' } : { Table: table }
      case 'CreateTable':
        if (table !== undefined) return { __type: 'AlreadyExistsException' }
        this.#tables.set(key, { ...given, VersionId: '0' })
        return {}
      case 'UpdateTable':
        if (table?.VersionId !== input.VersionId)
          return { __type: 'ConcurrentModificationException' }
        this.#tables.set(key, { ...given, VersionId: String(Number(input.VersionId) + 1) })
        return {}
      default:
        throw new Error(`the stub's Glue knows no ${operation}`)
    }
  }

  #kinesis(operation: string, input: Json): Json {
    if (operation === 'ListShards') {
      return { Shards: [] }
    }
    if (operation !== 'PutRecords') throw new Error(`the stub's Kinesis knows no ${operation}`)
    const records = (input.Records as readonly Json[]).map(() => {
      this.#sequence += 1n
      return { SequenceNumber: String(this.#sequence), ShardId: 'shardId-000000000000' }
    })
    return { FailedRecordCount: 0, Records: records }
  }
}

function bytesOf(body: Uint8Array | string = ''): Buffer {
  return typeof body === 'string'
    ? Buffer.from(body)
    : Buffer.from(body.buffer, body.byteOffset, body.byteLength)
}

function answerJson(body: Json): WireAnswer {
  return { status: '__type' in body ? 400 : 200, body: JSON.stringify(body) }
}

function s3Error(status: number, code: string): WireAnswer {
  return { status, body: `<Error><Code>${code}</Code><Message>${code}</Message></Error>` }
}
