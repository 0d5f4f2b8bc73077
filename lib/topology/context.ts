import { cellOf, defineTopology, type Topology } from './topology.ts'

/**
 * The topology that a command line asked for: `-c cells=us-east-1,eu-west-1`, `-c namespace=weir`,
 * `-c environment=prod`, `-c disposable=true`. What it does not name keeps its default.
 */
export function topologyFromContext(read: (key: string) => unknown): Topology {
  const cells = text(read, 'cells')
  const namespace = text(read, 'namespace')
  const environment = text(read, 'environment')
  return defineTopology({
    ...(cells === undefined ? {} : { cells: cells.split(',').map((name) => cellOf(name.trim())) }),
    ...(namespace === undefined ? {} : { namespace }),
    ...(environment === undefined ? {} : { environment }),
    disposable: flag(read, 'disposable'),
  })
}

function text(read: (key: string) => unknown, key: string): string | undefined {
  const value = read(key)
  if (value === undefined || typeof value === 'string') return value
  throw new Error(`context "${key}" must be text, received ${JSON.stringify(value)}`)
}

/** Strict, because the one flag there is destroys data: a typing error must not count as a yes or a no. */
function flag(read: (key: string) => unknown, key: string): boolean {
  const value = read(key)
  if (value === undefined || value === false || value === 'false') return false
  if (value === true || value === 'true') return true
  throw new Error(`context "${key}" must be true or false, received ${JSON.stringify(value)}`)
}
