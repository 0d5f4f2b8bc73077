import { request } from 'node:http'
import { createServer } from 'node:net'

/** The only address that the local cloud listens on. */
export const HOST = '127.0.0.1'

export const endpointOf = (port: number): string => `http://${HOST}:${port}`

/** Whether a server could listen there now. */
export function isPortFree(port: number): Promise<boolean> {
  return new Promise((resolvePromise) => {
    const probe = createServer()
    probe.once('error', () => resolvePromise(false))
    probe.listen({ port, host: HOST, exclusive: true }, () =>
      probe.close(() => resolvePromise(true)),
    )
  })
}

/** What a local cloud says about the start it belongs to. */
export interface Identity {
  readonly token: string
  readonly pid: number
  readonly auth: boolean
}

/** Which start of a local cloud answers on the port, if any does. */
export async function identityAt(port: number): Promise<Identity | undefined> {
  const body = await get(port, '/_weir/local')
  try {
    const parsed = JSON.parse(body ?? '') as Partial<Identity> | null
    return typeof parsed?.token === 'string' ? (parsed as Identity) : undefined
  } catch {
    return undefined
  }
}

/** Whether some MiniStack answers there, whoever started it. */
export async function answersHealth(port: number): Promise<boolean> {
  return (await get(port, '/_ministack/health'))?.includes('"services"') ?? false
}

function get(port: number, path: string): Promise<string | undefined> {
  return new Promise((resolvePromise) => {
    const call = request({ host: HOST, port, path, timeout: 3_000, agent: false }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', () => resolvePromise(undefined))
      response.on('end', () =>
        resolvePromise(
          response.statusCode === 200 ? Buffer.concat(chunks).toString('utf8') : undefined,
        ),
      )
    })
    call.on('timeout', () => call.destroy())
    call.on('error', () => resolvePromise(undefined))
    call.end()
  })
}
