import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { LocalCloudError } from './errors.ts'
import { HOST, identityAt } from './port.ts'
import { isAlive, processesMarked, runsWith, signal } from './processes.ts'

const LAUNCHER = fileURLToPath(new URL('cloud.py', import.meta.url))
const READY_TIMEOUT_MS = 90_000
const GRACEFUL_STOP_MS = 8_000
const KILL_WAIT_MS = 5_000
/** The environment entry that the server and every Lambda worker below it carry. */
const MARK = 'WEIR_LOCAL_CLOUD'

/**
 * The credentials of the account's root, in both modes. With `auth` MiniStack checks signatures and policies, and
 * these are the ones that may do everything.
 */
export const LOCAL_CREDENTIALS = { accessKeyId: 'test', secretAccessKey: 'test' } as const
export const LOCAL_ACCOUNT = '000000000000'

/** A port and the folder that remembers what runs there. */
export interface Place {
  readonly port: number
  readonly stateDir: string
}

/** What a start writes down, so that a stop ends this process and no other. */
export interface ServerRecord {
  readonly pid: number
  readonly token: string
  readonly auth: boolean
  readonly tempDir: string
  readonly logFile: string
}

/** Starts the server as a process of its own and writes down which one it is. */
export function launch(
  place: Place,
  how: { readonly python: string; readonly auth: boolean },
): ServerRecord {
  const token = randomBytes(12).toString('hex')
  // Lambda code is unpacked here. It must not lie below the project: Node would find the project's node_modules and
  // package.json above it, and a bundle that lacks a module would work here and fail on AWS.
  const tempDir = mkdtempSync(join(tmpdir(), `weir-local-${place.port}-`))
  const logFile = join(place.stateDir, `local-${place.port}.log`)
  if (existsSync(logFile))
    renameSync(logFile, join(place.stateDir, `local-${place.port}.previous.log`))
  const log = openSync(logFile, 'a')
  const child = spawn(
    how.python,
    ['-I', '-B', '-u', LAUNCHER, '--port', String(place.port), '--token', token],
    {
      cwd: tempDir,
      detached: true,
      stdio: ['ignore', log, log],
      env: serverEnvironment(place, { ...how, token, tempDir }),
    },
  )
  child.on('error', () => {})
  child.unref()
  closeSync(log)
  const record: ServerRecord = { pid: child.pid ?? 0, token, auth: how.auth, tempDir, logFile }
  const file = recordFile(place)
  writeFileSync(`${file}.new`, `${JSON.stringify(record)}\n`)
  renameSync(`${file}.new`, file)
  return record
}

/**
 * A small environment of its own: Lambda workers inherit the server's, so whatever the shell had set would leak into
 * the functions and make one machine differ from the next.
 */
function serverEnvironment(
  place: Place,
  server: { readonly auth: boolean; readonly token: string; readonly tempDir: string },
): NodeJS.ProcessEnv {
  const passedOn = ['HOME', 'LOG_LEVEL', 'SFN_WAIT_SCALE'].filter(
    (name) => process.env[name] !== undefined,
  )
  return {
    ...Object.fromEntries(passedOn.map((name) => [name, process.env[name]])),
    // MiniStack runs the `node` it finds first, for every nodejs runtime: this project's.
    PATH: [dirname(process.execPath), process.env.PATH ?? '/usr/bin:/bin'].join(delimiter),
    LANG: 'C.UTF-8',
    TZ: 'UTC',
    TMPDIR: server.tempDir,
    [MARK]: server.token,
    GATEWAY_PORT: String(place.port),
    BIND_HOST: HOST,
    AUTH: server.auth ? 'true' : 'false',
    AWS_ACCESS_KEY_ID: LOCAL_CREDENTIALS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: LOCAL_CREDENTIALS.secretAccessKey,
    MINISTACK_ACCOUNT_ID: LOCAL_ACCOUNT,
    S3_DATA_DIR: join(server.tempDir, 's3'),
    STATE_DIR: join(server.tempDir, 'state'),
    // MiniStack's worker script uses a deprecated function; the warning would be in every function's log.
    NODE_OPTIONS: '--disable-warning=DEP0169',
    // No second listeners, and no Docker: MiniStack would remove the containers of any other MiniStack on this host.
    IOT_MTLS_ENABLED: '0',
    SFTP_ENABLED: '0',
    DOCKER_HOST: 'unix:///nonexistent',
  }
}

/** Returns once the server answers; fails early, with its last words, if it died. */
export async function waitUntilReady(place: Place, record: ServerRecord): Promise<void> {
  const deadline = Date.now() + READY_TIMEOUT_MS
  while ((await identityAt(place.port))?.token !== record.token) {
    if (!isAlive(record.pid) || Date.now() > deadline) {
      const what = isAlive(record.pid)
        ? `did not answer within ${READY_TIMEOUT_MS / 1000} s`
        : 'ended while starting'
      throw new LocalCloudError(
        'local.startFailed',
        `the local cloud on port ${place.port} ${what}: ${lastLine(record.logFile)}; the whole log is ${record.logFile}`,
      )
    }
    await sleep(50)
  }
}

/** Asks the server to end, then makes it; afterwards nothing that it started is alive and its port is free. */
export async function end(place: Place, record: ServerRecord): Promise<void> {
  if (isOurs(record)) {
    signal(record.pid, 'SIGTERM')
    if (!(await waitFor(() => !isAlive(record.pid), GRACEFUL_STOP_MS)))
      signal(record.pid, 'SIGKILL')
    if (!(await waitFor(() => !isAlive(record.pid), KILL_WAIT_MS))) {
      throw new LocalCloudError(
        'local.stopFailed',
        `process ${record.pid} does not end: end it by hand (kill -9 ${record.pid})`,
      )
    }
  }
  await clean(place, record)
}

/** Removes what a server that is gone left behind: its Lambda workers, its temporary files, its record. */
export async function clean(place: Place, record: ServerRecord): Promise<void> {
  const orphans = () =>
    processesMarked(`${MARK}=${record.token}`, record.pid).filter((pid) => pid !== process.pid)
  for (const pid of orphans()) signal(pid, 'SIGKILL')
  await waitFor(() => orphans().length === 0, KILL_WAIT_MS)
  rmSync(record.tempDir, { recursive: true, force: true, maxRetries: 3 })
  rmSync(recordFile(place), { force: true })
}

/** The id alone proves nothing: it may belong to another program by now. The token on the command line does. */
export function isOurs(record: ServerRecord): boolean {
  return record.pid > 0 && runsWith(record.pid, record.token)
}

/** What the last start wrote down, if it was not stopped since. */
export function readRecord(place: Place): ServerRecord | undefined {
  try {
    return JSON.parse(readFileSync(recordFile(place), 'utf8')) as ServerRecord
  } catch {
    return undefined
  }
}

async function waitFor(condition: () => boolean, timeoutMs: number): Promise<boolean> {
  const deadline = Date.now() + timeoutMs
  while (!condition()) {
    if (Date.now() > deadline) return false
    await sleep(25)
  }
  return true
}

function lastLine(logFile: string): string {
  try {
    const lines = readFileSync(logFile, 'utf8').trim().split('\n')
    return lines.at(-1)?.trim() || 'its log is empty'
  } catch {
    return 'it has no log'
  }
}

const recordFile = (place: Place): string => join(place.stateDir, `local-${place.port}.json`)
