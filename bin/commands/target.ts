import { type ClientConfig, clientConfig } from '#lib/adapters/aws/client-config.ts'
import { CommandError } from './failure.ts'

/** Which cloud a command talks to. Only the commands know: everything below them gets client settings. */
export interface Target {
  /** `local`: the local cloud of this project; `endpoint`: somebody's AWS_ENDPOINT_URL; `aws`: AWS itself. */
  readonly kind: 'local' | 'endpoint' | 'aws'
  /** The local cloud's port. */
  readonly port: number
  readonly endpoint?: string
  /** What the environment must say for the SDK, here and in child processes, to reach this cloud. */
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Settings for any client of the SDK, once the environment is applied. */
  clientConfig(region: string): ClientConfig
}

type Environment = Readonly<Record<string, string | undefined>>

const DEFAULT_PORT = 4566

/**
 * AWS_ENDPOINT_URL if it is set; else AWS itself if asked for; else the local cloud of this project. The local cloud
 * never sees a person's own credentials.
 */
export function resolveTarget(environment: Environment, cloud?: string): Target {
  const wanted = cloud ?? environment.WEIR_CLOUD ?? 'local'
  if (wanted !== 'local' && wanted !== 'aws') {
    throw new CommandError('target.unknown', `cloud "${wanted}" is neither "local" nor "aws"`, {
      exitCode: 2,
    })
  }
  const port = portOf(environment.WEIR_PORT)
  const configs = new Map<string, ClientConfig>()
  const shared = {
    port,
    clientConfig(region: string) {
      const config = configs.get(region) ?? clientConfig({ region, timeoutMs: 120_000 })
      configs.set(region, config)
      return config
    },
  }
  if (wanted === 'aws') {
    return { kind: 'aws', ...shared, environment: { AWS_ENDPOINT_URL: undefined } }
  }
  const given = environment.AWS_ENDPOINT_URL
  const isOwn = given === undefined || given === ''
  const endpoint = isOwn ? `http://127.0.0.1:${port}` : given
  return {
    kind: isOwn ? 'local' : 'endpoint',
    ...shared,
    endpoint,
    environment: endpointEnvironment(endpoint, isOwn ? {} : environment),
  }
}

/** Makes this process, and what it starts, talk to the target. */
export function applyTarget(target: Target, environment: NodeJS.ProcessEnv): void {
  for (const [name, value] of Object.entries(target.environment)) {
    if (value === undefined) delete environment[name]
    else environment[name] = value
  }
}

function endpointEnvironment(endpoint: string, own: Environment): Environment {
  const hasKeys = own.AWS_ACCESS_KEY_ID !== undefined && own.AWS_SECRET_ACCESS_KEY !== undefined
  return {
    AWS_ENDPOINT_URL: endpoint,
    AWS_ACCESS_KEY_ID: hasKeys ? own.AWS_ACCESS_KEY_ID : 'test',
    AWS_SECRET_ACCESS_KEY: hasKeys ? own.AWS_SECRET_ACCESS_KEY : 'test',
    AWS_SESSION_TOKEN: hasKeys ? own.AWS_SESSION_TOKEN : undefined,
    AWS_PROFILE: undefined,
    AWS_DEFAULT_PROFILE: undefined,
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
