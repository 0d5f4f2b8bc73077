import { spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { InvokeCommand, LambdaClient, ListFunctionsCommand } from '@aws-sdk/client-lambda'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { localCloudStatus, startLocalCloud, stopLocalCloud } from '../../local/local-cloud.ts'
import { isAlive } from '../../local/processes.ts'
import {
  clientSettings,
  deploy,
  eventually,
  freePort,
  nodeFunction,
  startTemporaryCloud,
  type TemporaryCloud,
  temporaryFolder,
} from './temporary-cloud.ts'

const MODULE = pathToFileURL(join(import.meta.dirname, '../../local/local-cloud.ts')).href
const onLinux = process.platform === 'linux'

describe('a running local cloud', () => {
  let cloud: TemporaryCloud

  beforeAll(async () => {
    cloud = await startTemporaryCloud({ auth: true })
  })
  afterAll(async () => {
    await cloud.stop()
  })

  it('is found, not started, when it is asked for again', async () => {
    const again = await startLocalCloud({ port: cloud.port, stateDir: cloud.stateDir, auth: true })
    const status = await localCloudStatus(cloud)

    expect(cloud.startedNow).toBe(true)
    expect(again).toMatchObject({ pid: cloud.pid, endpoint: cloud.endpoint, startedNow: false })
    expect(status).toMatchObject({ running: true, ours: true, pid: cloud.pid, auth: true })
  })

  it('refuses another IAM mode than the one it runs with', async () => {
    const wrong = startLocalCloud({ port: cloud.port, stateDir: cloud.stateDir, auth: false })

    await expect(wrong).rejects.toMatchObject({
      code: 'local.authMismatch',
      message: expect.stringMatching(/runs with IAM enforced.*down` first/),
    })
  })

  it('is left alone by the commands of another clone', async () => {
    const elsewhere = { port: cloud.port, stateDir: temporaryFolder() }

    const stop = await stopLocalCloud(elsewhere)
    const start = startLocalCloud({ ...elsewhere, auth: true })

    await expect(start).rejects.toMatchObject({
      code: 'local.portTaken',
      message: expect.stringContaining(`the local cloud of another clone (process ${cloud.pid})`),
    })
    expect(stop).toEqual({ stopped: false })
    expect(await localCloudStatus(elsewhere)).toMatchObject({ running: true, ours: false })
    expect(await localCloudStatus(cloud)).toMatchObject({ running: true, ours: true })
  })

  it.runIf(onLinux)('listens on loopback only', () => {
    const addresses = listeningAddresses(cloud.pid)

    expect(addresses).toContain(`127.0.0.1:${cloud.port}`)
    expect(addresses.filter((address) => !/^(127\.0\.0\.1|\[::1\]):/.test(address))).toEqual([])
  })

  it('ends when told to, with its Lambda workers, and frees its port', async () => {
    await runFunction(cloud)
    const workers = onLinux ? descendantsOf(cloud.pid) : []

    const firstStop = await stopLocalCloud(cloud)
    const secondStop = await stopLocalCloud(cloud)

    expect(workers.length > 0).toBe(onLinux)
    expect(workers.filter(isAlive)).toEqual([])
    expect([firstStop, secondStop]).toEqual([{ stopped: true }, { stopped: false }])
    expect(await localCloudStatus(cloud)).toMatchObject({ running: false, ours: false })
    expect(await isFree(cloud.port)).toBe(true)
  })
})

describe('starting the local cloud', () => {
  it('makes one server when two processes do it at the same moment', async () => {
    const [port, stateDir] = [await freePort(), temporaryFolder()]

    const answers = await Promise.all([
      startInProcess(port, stateDir),
      startInProcess(port, stateDir),
    ])
    await stopLocalCloud({ port, stateDir })

    expect(answers.map((answer) => answer.startedNow).sort()).toEqual([false, true])
    expect(answers[0]?.pid).toBe(answers[1]?.pid)
  })

  it('names WEIR_PORT when something else has the port', async () => {
    const other = await listenOnAnyPort()
    const port = portOf(other)

    const start = startLocalCloud({ port, stateDir: temporaryFolder(), auth: false })

    await expect(start).rejects.toMatchObject({
      code: 'local.portTaken',
      message: `port ${port} is taken by another program: set WEIR_PORT to a free port, or end what listens there`,
    })
    other.close()
  })

  it('works again after its server was killed, and ends the Lambda workers that were left', async () => {
    const cloud = await startTemporaryCloud({ auth: false })
    await runFunction(cloud)
    const workers = onLinux ? descendantsOf(cloud.pid) : []
    process.kill(cloud.pid, 'SIGKILL')
    await eventually(async () => ((await localCloudStatus(cloud)).running ? undefined : true))

    const { port, stateDir } = cloud
    const again = await startLocalCloud({ port, stateDir, auth: false })
    await cloud.stop()

    expect(again.startedNow).toBe(true)
    expect(again.pid).not.toBe(cloud.pid)
    expect(workers.filter(isAlive)).toEqual([])
  })

  it('says what the server said when it could not start', async () => {
    const [port, stateDir] = [await freePort(), temporaryFolder()]
    vi.stubEnv('WEIR_VENV_CACHE', stateDir)
    vi.stubEnv('WEIR_PYTHON', pythonWhoseServerFails(stateDir))

    const start = startLocalCloud({ port, stateDir, auth: false })

    await expect(start).rejects.toMatchObject({
      code: 'local.startFailed',
      message: `the local cloud on port ${port} ended while starting: no server today; the whole log is ${stateDir}/local-${port}.log`,
    })
    vi.unstubAllEnvs()
    expect(existsSync(join(stateDir, `local-${port}.json`))).toBe(false)
  })

  it('does not take a process for its server that only has the id of an old one', async () => {
    const [port, stateDir] = [await freePort(), temporaryFolder()]
    const innocent = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'])
    const record = {
      pid: innocent.pid,
      token: 'f00d',
      auth: false,
      tempDir: join(stateDir, 'temp'),
      logFile: join(stateDir, 'log'),
    }
    writeFileSync(join(stateDir, `local-${port}.json`), JSON.stringify(record))

    const stop = await stopLocalCloud({ port, stateDir })

    expect(stop).toEqual({ stopped: false })
    expect(isAlive(innocent.pid ?? 0)).toBe(true)
    innocent.kill()
  })
})

/** Deploys a function and invokes it, so that the server has a Lambda worker. */
async function runFunction(cloud: TemporaryCloud): Promise<void> {
  const lambda = new LambdaClient(clientSettings(cloud))
  await deploy(cloud, 'one-function', { Hello: nodeFunction('exports.handler = async () => 42') })
  const { FunctionName } =
    (await lambda.send(new ListFunctionsCommand({}))).Functions?.find((f) =>
      f.FunctionName?.includes('Hello'),
    ) ?? {}
  const { Payload } = await lambda.send(new InvokeCommand({ FunctionName }))
  expect(Payload?.transformToString()).toBe('42')
}

/** Stands for a Python that can do everything but serve. */
function pythonWhoseServerFails(folder: string): string {
  const python = join(folder, 'python')
  const script = `#!/bin/sh
case "$*" in
  *"-m venv"*) for folder; do :; done; mkdir -p "$folder/bin"; cp "$0" "$folder/bin/python" ;;
  *"-m pip"*) ;;
  *cloud.py*) echo "no server today" >&2; exit 1 ;;
  *) echo '[3, 12, true, ""]' ;;
esac
`
  writeFileSync(python, script, { mode: 0o755 })
  return python
}

function descendantsOf(pid: number): number[] {
  const children = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => parentOf(name) === pid)
    .map(Number)
  return children.flatMap((child) => [child, ...descendantsOf(child)])
}

function parentOf(pid: string): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
  } catch {
    return undefined
  }
}

function startInProcess(
  port: number,
  stateDir: string,
): Promise<{ pid: number; startedNow: boolean }> {
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
  return fields
    .filter((field) => field[3] === '0A' && inodes.has(field[9] ?? ''))
    .map((field) => readable(field[1] ?? ''))
}

function readable(hexAddress: string): string {
  const [address = '', port = ''] = hexAddress.split(':')
  const shown =
    address.length === 8
      ? [...Buffer.from(address, 'hex')].reverse().join('.')
      : address === '00000000000000000000000001000000'
        ? '[::1]'
        : `[${address}]`
  return `${shown}:${Number.parseInt(port, 16)}`
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path)
  } catch {
    return ''
  }
}
