import { spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'
import { localCloudStatus, startLocalCloud, stopLocalCloud } from '../../local/local-cloud.ts'
import {
  eventually,
  freePort,
  startTemporaryCloud,
  type TemporaryCloud,
  temporaryFolder,
} from './temporary-cloud.ts'

const MODULE = pathToFileURL(join(import.meta.dirname, '../../local/local-cloud.ts')).href
const onLinux = process.platform === 'linux'

describe('the local cloud', () => {
  let cloud: TemporaryCloud | undefined
  let other: Server | undefined

  afterEach(async () => {
    await cloud?.stop()
    other?.close()
    cloud = undefined
    other = undefined
  })

  it('is started once, however often it is asked for, and ends when told to', async () => {
    cloud = await startTemporaryCloud({ auth: false })
    const place = { port: cloud.port, stateDir: cloud.stateDir }

    const again = await startLocalCloud({ ...place, auth: false })
    const status = await localCloudStatus(place)
    const firstStop = await stopLocalCloud(place)
    const secondStop = await stopLocalCloud(place)

    expect(cloud.startedNow).toBe(true)
    expect(again).toMatchObject({ pid: cloud.pid, endpoint: cloud.endpoint, startedNow: false })
    expect(status).toMatchObject({ running: true, ours: true, pid: cloud.pid, auth: false })
    expect(firstStop).toEqual({ stopped: true })
    expect(secondStop).toEqual({ stopped: false })
    expect(await localCloudStatus(place)).toMatchObject({ running: false, ours: false })
    expect(await isFree(cloud.port)).toBe(true)
  })

  it('is one server when two processes start it at the same moment', async () => {
    const [port, stateDir] = [await freePort(), temporaryFolder()]

    const answers = await Promise.all([startInProcess(port, stateDir), startInProcess(port, stateDir)])
    await stopLocalCloud({ port, stateDir })

    expect(answers.map((answer) => answer.startedNow).sort()).toEqual([false, true])
    expect(answers[0]?.pid).toBe(answers[1]?.pid)
  })

  it('refuses another IAM mode than the one it runs with', async () => {
    cloud = await startTemporaryCloud({ auth: true })

    const wrongMode = startLocalCloud({ port: cloud.port, stateDir: cloud.stateDir, auth: false })

    await expect(wrongMode).rejects.toMatchObject({
      code: 'local.authMismatch',
      message: expect.stringMatching(/runs with IAM enforced.*down` first/),
    })
  })

  it('names WEIR_PORT when something else has the port', async () => {
    other = await listenOnAnyPort()
    const port = portOf(other)

    const start = startLocalCloud({ port, stateDir: temporaryFolder(), auth: false })

    await expect(start).rejects.toMatchObject({
      code: 'local.portTaken',
      message: expect.stringMatching(new RegExp(`^port ${port} is taken by another program: set WEIR_PORT`)),
    })
  })

  it('leaves the server of another state folder alone', async () => {
    cloud = await startTemporaryCloud({ auth: false })
    const elsewhere = { port: cloud.port, stateDir: temporaryFolder() }

    const stop = await stopLocalCloud(elsewhere)
    const start = startLocalCloud({ ...elsewhere, auth: false })

    await expect(start).rejects.toMatchObject({
      code: 'local.portTaken',
      message: expect.stringContaining(`the local cloud of another clone (process ${cloud.pid})`),
    })
    expect(stop).toEqual({ stopped: false })
    expect(await localCloudStatus(elsewhere)).toMatchObject({ running: true, ours: false })
    expect(await localCloudStatus(cloud)).toMatchObject({ running: true, ours: true })
  })

  it('does not end a process that only has the id of an old server', async () => {
    const [port, stateDir] = [await freePort(), temporaryFolder()]
    const innocent = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'])
    const record = { pid: innocent.pid, token: 'f00d', auth: false, tempDir: join(stateDir, 't'), logFile: 'x' }
    writeFileSync(join(stateDir, `local-${port}.json`), JSON.stringify(record))

    const stop = await stopLocalCloud({ port, stateDir })

    expect(stop).toEqual({ stopped: false })
    expect(innocent.exitCode).toBeNull()
    expect(innocent.signalCode).toBeNull()
    innocent.kill()
  })

  it('starts again after its server was killed', async () => {
    cloud = await startTemporaryCloud({ auth: false })
    process.kill(cloud.pid, 'SIGKILL')
    const place = { port: cloud.port, stateDir: cloud.stateDir }
    await eventually(async () => ((await localCloudStatus(place)).running ? undefined : true))

    const again = await startLocalCloud({ ...place, auth: false })

    expect(again.startedNow).toBe(true)
    expect(again.pid).not.toBe(cloud.pid)
  })

  it('says what the server said when it cannot start', async () => {
    const [port, stateDir] = [await freePort(), temporaryFolder()]
    // The server reads this as a number while it starts.
    process.env.SFN_WAIT_SCALE = 'no number'

    const start = startLocalCloud({ port, stateDir, auth: false })

    await expect(start).rejects.toMatchObject({
      code: 'local.startFailed',
      message: expect.stringMatching(/ended while starting: .*no number.*the whole log is .*\.log$/),
    })
    delete process.env.SFN_WAIT_SCALE
    expect(existsSync(join(stateDir, `local-${port}.json`))).toBe(false)
  })

  it.runIf(onLinux)('listens on loopback only', async () => {
    cloud = await startTemporaryCloud({ auth: false })

    const addresses = listeningAddresses(cloud.pid)

    expect(addresses).toContain(`127.0.0.1:${cloud.port}`)
    expect(addresses.filter((address) => !/^(127\.0\.0\.1|\[::1\]):/.test(address))).toEqual([])
  })
})

function startInProcess(port: number, stateDir: string): Promise<{ pid: number; startedNow: boolean }> {
  const script = `
    const { startLocalCloud } = await import(${JSON.stringify(MODULE)})
    const { pid, startedNow } = await startLocalCloud(${JSON.stringify({ port, stateDir, auth: false })})
    console.log(JSON.stringify({ pid, startedNow }))`
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', script])
    const chunks: Buffer[] = []
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
    child.on('error', reject)
    child.on('close', () => resolve(JSON.parse(Buffer.concat(chunks).toString())))
  })
}

function listenOnAnyPort(): Promise<Server> {
  return new Promise((resolve) => {
    const server = createServer((socket) => socket.destroy())
    server.listen(0, '127.0.0.1', () => resolve(server))
  })
}

function portOf(server: Server): number {
  const address = server.address()
  return typeof address === 'object' && address ? address.port : 0
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}

/** The sockets of this process that are in state LISTEN, as the kernel has them. */
function listeningAddresses(pid: number): string[] {
  const inodes = new Set(
    readdirSync(`/proc/${pid}/fd`)
      .map((fd) => /^socket:\[(\d+)\]$/.exec(linkOf(`/proc/${pid}/fd/${fd}`))?.[1])
      .filter((inode) => inode !== undefined),
  )
  const lines = ['tcp', 'tcp6'].flatMap((table) =>
    readFileSync(`/proc/${pid}/net/${table}`, 'utf8').trim().split('\n').slice(1),
  )
  const fields = lines.map((line) => line.trim().split(/\s+/))
  return fields.filter((field) => field[3] === '0A' && inodes.has(field[9] ?? '')).map((field) => readable(field[1] ?? ''))
}

function readable(hexAddress: string): string {
  const [address = '', port = ''] = hexAddress.split(':')
  const shown =
    address.length === 8
      ? [...Buffer.from(address, 'hex')].reverse().join('.')
      : address === '00000000000000000000000001000000' ? '[::1]' : `[${address}]`
  return `${shown}:${Number.parseInt(port, 16)}`
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path)
  } catch {
    return ''
  }
}
