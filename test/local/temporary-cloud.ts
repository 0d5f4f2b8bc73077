import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { type LocalCloud, startLocalCloud, stopLocalCloud } from '../../local/local-cloud.ts'

// The packages are installed once for all tests, and shared with the commands of this project.
process.env.WEIR_VENV_CACHE ??= resolve(import.meta.dirname, '../../.weir')

export interface TemporaryCloud extends LocalCloud {
  readonly stateDir: string
  readonly stop: () => Promise<void>
}

/** A local cloud of its own on a free port; `stop` leaves nothing behind. */
export async function startTemporaryCloud({ auth }: { auth: boolean }): Promise<TemporaryCloud> {
  const stateDir = temporaryFolder()
  const port = await freePort()
  const cloud = await startLocalCloud({ port, stateDir, auth })
  const stop = async () => {
    await stopLocalCloud({ port, stateDir })
    rmSync(stateDir, { recursive: true, force: true })
  }
  return { ...cloud, stateDir, stop }
}

export function temporaryFolder(): string {
  return mkdtempSync(join(tmpdir(), 'weir-test-'))
}

export function freePort(): Promise<number> {
  return new Promise((resolvePort, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolvePort(typeof address === 'object' && address ? address.port : 0))
    })
  })
}

/** What the SDK's clients need to talk to it as the account's root. */
export function clientSettings({ endpoint }: { endpoint: string }, region = 'us-east-1') {
  return { endpoint, region, credentials: { accessKeyId: 'test', secretAccessKey: 'test' } }
}

/** Asks again until there is an answer. */
export async function eventually<T>(
  ask: () => Promise<T | undefined>,
  timeoutMs = 15_000,
): Promise<T> {
  const deadline = Date.now() + timeoutMs
  for (;;) {
    const answer = await ask()
    if (answer !== undefined) return answer
    if (Date.now() > deadline) throw new Error(`no answer within ${timeoutMs} ms`)
    await new Promise((wake) => setTimeout(wake, 50))
  }
}
