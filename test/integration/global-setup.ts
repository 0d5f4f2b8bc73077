import { rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { weir } from '#test/support/weir.ts'

/**
 * One local cloud for all integration tests, on a free port, with IAM enforced and both cells deployed by the
 * command that people use. Ended whatever happens; state of an earlier run cannot be there.
 */
export default async function setup() {
  const port = process.env.WEIR_PORT ?? String(await freePort())
  process.env.WEIR_PORT = port
  process.env.AWS_ACCESS_KEY_ID = 'test'
  process.env.AWS_SECRET_ACCESS_KEY = 'test'
  process.env.AWS_REGION = 'us-east-1'
  const stop = () => weir(['down', '--json'])
  try {
    const up = await weir(['up', '--auth', '--json'])
    if (up.exitCode !== 0) throw new Error(`up failed: ${up.stderr}`)
  } catch (error) {
    await stop()
    throw error
  }
  process.env.AWS_ENDPOINT_URL = `http://127.0.0.1:${port}`
  return async () => {
    delete process.env.AWS_ENDPOINT_URL
    const down = await stop()
    if (down.exitCode !== 0) throw new Error(`down failed: ${down.stderr}`)
    await rm(`.weir/cdk.out-${port}`, { recursive: true, force: true })
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}
