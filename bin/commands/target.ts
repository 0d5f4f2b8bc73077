import { NodeHttpHandler } from '@smithy/node-http-handler'
import { CommandError } from './failure.ts'

/** Which cloud a command talks to. Only the commands know: everything below them gets client settings. */
export interface Target {
  /** `local`: the local cloud of this project; `endpoint`: somebody's AWS_ENDPOINT_URL; `aws`: AWS itself. */
  readonly kind: 'local' | 'endpoint' | 'aws'
  /** The local cloud's port. */
  readonly port: number
  readonly endpoint?: string
  /** Settings for any client of the SDK. */
  clientConfig(region: string): ClientSettings
  /** Environment of a child process that shall reach the same cloud. */
  readonly childEnvironment: Readonly<Record<string, string | undefined>>
}

export interface ClientSettings {
  readonly region: string
  readonly endpoint?: string
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string }
  readonly requestHandler: NodeHttpHandler
  readonly maxAttempts: number
}

const DEFAULT_PORT = 4566

/**
 * AWS_ENDPOINT_URL if it is set; else AWS itself if asked for; else the local cloud of this project. The local cloud
 * never sees a person's own credentials.
 */
export function resolveTarget(
  environment: Readonly<Record<string, string | undefined>>,
  cloud?: string,
): Target {
  const wanted = cloud ?? environment.WEIR_CLOUD ?? 'local'
  if (wanted !== 'local' && wanted !== 'aws') {
    throw new CommandError('target.unknown', `--cloud "${wanted}" is neither "local" nor "aws"`, {
      exitCode: 2,
    })
  }
  const port = portOf(environment.WEIR_PORT)
  if (wanted === 'aws') return awsTarget(port)
  const given = environment.AWS_ENDPOINT_URL
  const endpoint = given === undefined || given === '' ? `http://127.0.0.1:${port}` : given
  const kind = endpoint === given ? 'endpoint' : 'local'
  return endpointTarget(kind, port, endpoint, environment)
}

function awsTarget(port: number): Target {
  const requestHandler = sharedHandler()
  return {
    kind: 'aws',
    port,
    clientConfig: (region) => ({ region, requestHandler, maxAttempts: 5 }),
    childEnvironment: { AWS_ENDPOINT_URL: undefined },
  }
}

function endpointTarget(
  kind: 'local' | 'endpoint',
  port: number,
  endpoint: string,
  environment: Readonly<Record<string, string | undefined>>,
): Target {
  const own =
    kind === 'endpoint' && environment.AWS_ACCESS_KEY_ID && environment.AWS_SECRET_ACCESS_KEY
  const credentials = own
    ? {
        accessKeyId: environment.AWS_ACCESS_KEY_ID!,
        secretAccessKey: environment.AWS_SECRET_ACCESS_KEY!,
      }
    : { accessKeyId: 'test', secretAccessKey: 'test' }
  const requestHandler = sharedHandler()
  return {
    kind,
    port,
    endpoint,
    clientConfig: (region) => ({ region, endpoint, credentials, requestHandler, maxAttempts: 5 }),
    childEnvironment: {
      AWS_ENDPOINT_URL: endpoint,
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
      AWS_SESSION_TOKEN: undefined,
      AWS_PROFILE: undefined,
      AWS_DEFAULT_PROFILE: undefined,
    },
  }
}

function portOf(text: string | undefined): number {
  if (text === undefined || text === '') return DEFAULT_PORT
  const port = Number(text)
  if (/^\d+$/.test(text) && port >= 1 && port <= 65_535) return port
  throw new CommandError('target.port', `WEIR_PORT "${text}" is no port: use 1 to 65535`, {
    exitCode: 2,
  })
}

/** HTTP/1.1 on purpose: over HTTP/2 the Kinesis client dies of a GOAWAY now and then. */
function sharedHandler(): NodeHttpHandler {
  return new NodeHttpHandler({ connectionTimeout: 5_000, requestTimeout: 120_000 })
}
