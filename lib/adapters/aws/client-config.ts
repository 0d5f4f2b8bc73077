import { NodeHttpHandler } from '@smithy/node-http-handler'

export interface ClientConfig {
  readonly region: string
  readonly maxAttempts: number
  readonly requestHandler: NodeHttpHandler
  /** Read by the S3 client only. */
  readonly forcePathStyle: boolean
}

export interface ClientConfigProps {
  readonly region: string
  /** Tries of one call, the first included. @default 4 */
  readonly maxAttempts?: number
  /** For one try, from connect to the last byte. @default 15000 */
  readonly timeoutMs?: number
  /** @default the process's */
  readonly environment?: Readonly<Record<string, string | undefined>>
}

const CONNECT_TIMEOUT_MS = 3_000

/**
 * What every AWS client is built from. The endpoint is not part of it: the SDK itself reads `AWS_ENDPOINT_URL`,
 * which is all that tells a local cloud from AWS.
 */
export function clientConfig(props: ClientConfigProps): ClientConfig {
  const { region, maxAttempts = 4, timeoutMs = 15_000, environment = process.env } = props
  return {
    region,
    maxAttempts,
    // HTTP/1.1 for all. Kinesis alone would speak HTTP/2, one connection for everything, whose loss (GOAWAY)
    // fails all calls in flight at once.
    requestHandler: new NodeHttpHandler({
      connectionTimeout: CONNECT_TIMEOUT_MS,
      requestTimeout: timeoutMs,
      throwOnRequestTimeout: true,
      httpAgent: { keepAlive: true, maxSockets: 64 },
      httpsAgent: { keepAlive: true, maxSockets: 64 },
    }),
    forcePathStyle: !isAws(environment.AWS_ENDPOINT_URL_S3 ?? environment.AWS_ENDPOINT_URL),
  }
}

/** Bucket names as host names only resolve at AWS. */
function isAws(endpoint: string | undefined): boolean {
  if (!endpoint) return true
  return /(^|\.)amazonaws\.com(\.cn)?$/.test(new URL(endpoint).hostname)
}
