import { existsSync, mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { LocalCloudError } from './errors.ts'
import { withFileLock } from './file-lock.ts'
import { answersHealth, endpointOf, identityAt, isPortFree } from './port.ts'
import { ensureVenv } from './python-venv.ts'
import {
  clean,
  end,
  isOurs,
  launch,
  type Place,
  readRecord,
  type ServerRecord,
  waitUntilReady,
} from './server.ts'

export { isLocalCloudError, LocalCloudError, type LocalCloudErrorCode } from './errors.ts'
export { ensureVenv } from './python-venv.ts'
export { LOCAL_ACCOUNT, LOCAL_CREDENTIALS } from './server.ts'

const REQUIREMENTS = fileURLToPath(new URL('requirements.txt', import.meta.url))

export interface LocalCloudOptions {
  readonly port: number
  /** Where the virtual environment, the log and the record of the running server live, e.g. `<project>/.weir`. */
  readonly stateDir: string
  /** Whether IAM is enforced. */
  readonly auth: boolean
  readonly onProgress?: (line: string) => void
}

export interface LocalCloud {
  readonly endpoint: string
  readonly port: number
  readonly pid: number
  readonly logFile: string
  /** False if it was already running. */
  readonly startedNow: boolean
}

export interface LocalCloudStatus {
  readonly running: boolean
  /** Whether what answers on the port was started from this state directory. */
  readonly ours: boolean
  readonly endpoint: string
  readonly pid?: number
  readonly auth?: boolean
  readonly logFile?: string
}

/** Starts the local cloud, or returns the one that already runs. It outlives this process. */
export async function startLocalCloud(options: LocalCloudOptions): Promise<LocalCloud> {
  const { port, auth, onProgress } = options
  const place = absolute(options)
  mkdirSync(place.stateDir, { recursive: true })
  return await withServerLock(place, async () => {
    const record = readRecord(place)
    if (record !== undefined && isOurs(record)) {
      if (record.auth !== auth) {
        throw new LocalCloudError(
          'local.authMismatch',
          `the local cloud on port ${port} runs ${describeAuth(record.auth)}, asked was ${describeAuth(auth)}: run \`npm run -s weir -- down\` first`,
        )
      }
      await waitUntilReady(place, record)
      return { ...describe(place, record), startedNow: false }
    }
    if (record !== undefined) await clean(place, record)
    await refuseTakenPort(port)
    const python = await ensureVenv(place.stateDir, REQUIREMENTS, onProgress)
    onProgress?.(`starting the local cloud on port ${port}`)
    const started = launch(place, { python, auth })
    try {
      await waitUntilReady(place, started)
    } catch (error) {
      await end(place, started)
      throw error
    }
    return { ...describe(place, started), startedNow: true }
  })
}

/** Ends what `startLocalCloud` started here, Lambda workers included, and waits until the port is free. */
export async function stopLocalCloud(options: Place): Promise<{ stopped: boolean }> {
  const place = absolute(options)
  if (!existsSync(place.stateDir)) return { stopped: false }
  return await withServerLock(place, async () => {
    const record = readRecord(place)
    if (record === undefined) return { stopped: false }
    const wasRunning = isOurs(record)
    await end(place, record)
    return { stopped: wasRunning }
  })
}

/** What is on the port now, and whether this project started it. Never fails because of what it finds there. */
export async function localCloudStatus(options: Place): Promise<LocalCloudStatus> {
  const place = absolute(options)
  const endpoint = endpointOf(place.port)
  const record = readRecord(place)
  if (record !== undefined && isOurs(record)) {
    const { pid, auth, logFile } = record
    return {
      running: (await identityAt(place.port))?.token === record.token,
      ours: true,
      endpoint,
      pid,
      auth,
      logFile,
    }
  }
  const other = await identityAt(place.port)
  const running = other !== undefined || (await answersHealth(place.port))
  return { running, ours: false, endpoint, ...(other && { pid: other.pid, auth: other.auth }) }
}

async function refuseTakenPort(port: number): Promise<void> {
  if (await isPortFree(port)) return
  const other = await identityAt(port)
  const holder =
    other === undefined
      ? 'another program'
      : `the local cloud of another clone (process ${other.pid})`
  throw new LocalCloudError(
    'local.portTaken',
    `port ${port} is taken by ${holder}: set WEIR_PORT to a free port, or end what listens there`,
  )
}

function withServerLock<T>(place: Place, work: () => Promise<T>): Promise<T> {
  return withFileLock(
    join(place.stateDir, `local-${place.port}.lock`),
    { timeoutMs: 10 * 60_000 },
    work,
  )
}

function describe(place: Place, record: ServerRecord) {
  return {
    endpoint: endpointOf(place.port),
    port: place.port,
    pid: record.pid,
    logFile: record.logFile,
  }
}

const absolute = ({ port, stateDir }: Place): Place => ({ port, stateDir: resolve(stateDir) })
const describeAuth = (auth: boolean): string => (auth ? 'with IAM enforced' : 'without IAM')
