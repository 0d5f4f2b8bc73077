import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto'
import { SignatureV4 } from '@smithy/signature-v4'

type Credentials = Exclude<
  ConstructorParameters<typeof SignatureV4>[0]['credentials'],
  () => unknown
>

/** Whose region and credentials a request is signed with: any client of the SDK. */
export interface SigningClient {
  readonly config: {
    region(): Promise<string>
    credentials(): Promise<Credentials>
  }
}

export interface SignedRequest {
  /** As AWS names it in signatures, such as `logs`. */
  readonly service: string
  /** `https://…`; AWS's own, `<service>.<region>.amazonaws.com`, if undefined. */
  readonly endpoint?: string | undefined
  readonly method: string
  /** Every part escaped as a URL needs it. */
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  readonly timeoutMs: number
}

/** One request to a service for which a client of its own would be too much; not repeated. */
export async function signedFetch(
  client: SigningClient,
  { service, endpoint, method, path, headers: given = {}, body, timeoutMs }: SignedRequest,
): Promise<Response> {
  const region = await client.config.region()
  const url = new URL(path, endpoint ?? `https://${service}.${region}.amazonaws.com`)
  const signer = new SignatureV4({
    service,
    region,
    credentials: await client.config.credentials(),
    sha256: Sha256,
  })
  const { headers } = await signer.sign({
    method,
    protocol: url.protocol,
    hostname: url.hostname,
    ...(url.port === '' ? {} : { port: Number(url.port) }),
    path: url.pathname,
    query: {},
    headers: { host: url.host, ...given },
    ...(body === undefined ? {} : { body }),
  })
  return fetch(url, {
    method,
    headers,
    ...(body === undefined ? {} : { body }),
    signal: AbortSignal.timeout(timeoutMs),
  })
}

/** Node's SHA-256 as the signer wants it. */
class Sha256 {
  readonly #hash: Hash | Hmac

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', bytesOf(secret))
  }

  update(data: string | ArrayBuffer | ArrayBufferView): void {
    this.#hash.update(bytesOf(data))
  }

  async digest(): Promise<Uint8Array> {
    return this.#hash.digest()
  }

  reset(): void {
    throw new Error('a digest is taken once')
  }
}

function bytesOf(data: string | ArrayBuffer | ArrayBufferView): Uint8Array {
  if (typeof data === 'string') return Buffer.from(data)
  if (data instanceof ArrayBuffer) return new Uint8Array(data)
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
}
