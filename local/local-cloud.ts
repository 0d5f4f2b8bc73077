import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { LocalCloudError } from './errors.ts';
import { withFileLock } from './file-lock.ts';
import { isAlive, processesMarked, runsWith, signal } from './processes.ts';
import { ensureVenv } from './python-venv.ts';

export { isLocalCloudError, LocalCloudError, type LocalCloudErrorCode } from './errors.ts';
export { ensureVenv } from './python-venv.ts';

const HERE = dirname(fileURLToPath(import.meta.url));
const HOST = '127.0.0.1';
const READY_TIMEOUT_MS = 90_000;
const GRACEFUL_STOP_MS = 8_000;
const KILL_WAIT_MS = 5_000;
/** The environment entry that the server and every Lambda worker below it carry. */
const MARK = 'WEIR_LOCAL_CLOUD';

/**
 * The credentials of the account's root, in both modes. With `auth` MiniStack checks signatures and policies, and
 * these are the ones that may do everything.
 */
export const LOCAL_CREDENTIALS = { accessKeyId: 'test', secretAccessKey: 'test' } as const;
export const LOCAL_ACCOUNT = '000000000000';

export interface LocalCloudOptions {
  readonly port: number;
  /** Where the virtual environment, the log and the record of the running server live, e.g. `<project>/.weir`. */
  readonly stateDir: string;
  /** Whether IAM is enforced. */
  readonly auth: boolean;
  readonly onProgress?: (line: string) => void;
}

export interface LocalCloud {
  readonly endpoint: string;
  readonly port: number;
  readonly pid: number;
  readonly logFile: string;
  /** False if it was already running. */
  readonly startedNow: boolean;
}

export interface LocalCloudStatus {
  readonly running: boolean;
  /** Whether what answers on the port was started from this state directory. */
  readonly ours: boolean;
  readonly endpoint: string;
  readonly pid?: number;
  readonly auth?: boolean;
  readonly logFile?: string;
}

interface Place {
  readonly port: number;
  readonly stateDir: string;
}

/** What a start writes down, so that a stop ends this process and no other. */
interface ServerRecord {
  readonly pid: number;
  readonly token: string;
  readonly auth: boolean;
  readonly tempDir: string;
  readonly logFile: string;
}

/** Starts the local cloud, or returns the one that already runs. It outlives this process. */
export async function startLocalCloud(options: LocalCloudOptions): Promise<LocalCloud> {
  const { port, auth, onProgress } = options;
  const place = absolute(options);
  mkdirSync(place.stateDir, { recursive: true });
  return await withServerLock(place, async () => {
    const record = readRecord(place);
    if (record !== undefined && isOurs(record)) {
      if (record.auth !== auth) {
        throw new LocalCloudError(
          'local.authMismatch',
          `the local cloud on port ${port} runs ${describeAuth(record.auth)}, asked was ${describeAuth(auth)}: run \`npm run -s weir -- down\` first`,
        );
      }
      await waitUntilReady(place, record);
      return { ...describe(place, record), startedNow: false };
    }
    if (record !== undefined) await clean(place, record);
    await refuseTakenPort(port);
    const python = await ensureVenv(venvCache(place), join(HERE, 'requirements.txt'), onProgress);
    onProgress?.(`starting the local cloud on port ${port}`);
    const started = launch(place, { python, auth });
    try {
      await waitUntilReady(place, started);
    } catch (error) {
      await end(place, started);
      throw error;
    }
    return { ...describe(place, started), startedNow: true };
  });
}

/** Ends what `startLocalCloud` started here, Lambda workers included, and waits until the port is free. */
export async function stopLocalCloud(options: Place): Promise<{ stopped: boolean }> {
  const place = absolute(options);
  if (!existsSync(place.stateDir)) return { stopped: false };
  return await withServerLock(place, async () => {
    const record = readRecord(place);
    if (record === undefined) return { stopped: false };
    const wasRunning = isOurs(record);
    await end(place, record);
    return { stopped: wasRunning };
  });
}

/** What is on the port now, and whether this project started it. Never fails because of what it finds there. */
export async function localCloudStatus(options: Place): Promise<LocalCloudStatus> {
  const place = absolute(options);
  const endpoint = endpointOf(place.port);
  const record = readRecord(place);
  if (record !== undefined && isOurs(record)) {
    const { pid, auth, logFile } = record;
    return { running: (await identityAt(place.port))?.token === record.token, ours: true, endpoint, pid, auth, logFile };
  }
  const other = await identityAt(place.port);
  const running = other !== undefined || (await answersHealth(place.port));
  return { running, ours: false, endpoint, ...(other && { pid: other.pid, auth: other.auth }) };
}

function launch(place: Place, how: { readonly python: string; readonly auth: boolean }): ServerRecord {
  const token = randomBytes(12).toString('hex');
  // Lambda code is unpacked here. It must not lie below the project: Node would find the project's node_modules and
  // package.json above it, and a bundle that lacks a module would work here and fail on AWS.
  const tempDir = mkdtempSync(join(tmpdir(), `weir-local-${place.port}-`));
  const logFile = join(place.stateDir, `local-${place.port}.log`);
  if (existsSync(logFile)) renameSync(logFile, join(place.stateDir, `local-${place.port}.previous.log`));
  const log = openSync(logFile, 'a');
  const child = spawn(
    how.python,
    ['-I', '-B', '-u', join(HERE, 'cloud.py'), '--port', String(place.port), '--token', token],
    { cwd: tempDir, detached: true, stdio: ['ignore', log, log], env: serverEnvironment(place, { ...how, token, tempDir }) },
  );
  child.on('error', () => {});
  child.unref();
  const record: ServerRecord = { pid: child.pid ?? 0, token, auth: how.auth, tempDir, logFile };
  const file = recordFile(place);
  writeFileSync(`${file}.new`, `${JSON.stringify(record)}\n`);
  renameSync(`${file}.new`, file);
  return record;
}

/**
 * A small environment of its own: Lambda workers inherit the server's, so whatever the shell had set would leak into
 * the functions and make one machine differ from the next.
 */
function serverEnvironment(
  place: Place,
  server: { readonly auth: boolean; readonly token: string; readonly tempDir: string },
): NodeJS.ProcessEnv {
  const passedOn = ['HOME', 'LOG_LEVEL', 'SFN_WAIT_SCALE'].filter((name) => process.env[name] !== undefined);
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
  };
}

async function waitUntilReady(place: Place, record: ServerRecord): Promise<void> {
  const deadline = Date.now() + READY_TIMEOUT_MS;
  while ((await identityAt(place.port))?.token !== record.token) {
    if (!isAlive(record.pid) || Date.now() > deadline) {
      const what = isAlive(record.pid) ? `did not answer within ${READY_TIMEOUT_MS / 1000} s` : 'ended while starting';
      throw new LocalCloudError(
        'local.startFailed',
        `the local cloud on port ${place.port} ${what}: ${lastLine(record.logFile)}; the whole log is ${record.logFile}`,
      );
    }
    await sleep(50);
  }
}

/** Asks the server to end, then makes it; afterwards nothing that it started is alive and its port is free. */
async function end(place: Place, record: ServerRecord): Promise<void> {
  if (isOurs(record)) {
    signal(record.pid, 'SIGTERM');
    if (!(await waitFor(() => !isAlive(record.pid), GRACEFUL_STOP_MS))) signal(record.pid, 'SIGKILL');
    if (!(await waitFor(() => !isAlive(record.pid), KILL_WAIT_MS))) {
      throw new LocalCloudError('local.stopFailed', `process ${record.pid} does not end: end it by hand (kill -9 ${record.pid})`);
    }
  }
  await clean(place, record);
}

/** Removes what a server that is gone left behind: its Lambda workers, its temporary files, its record. */
async function clean(place: Place, record: ServerRecord): Promise<void> {
  const orphans = () => processesMarked(`${MARK}=${record.token}`, record.pid).filter((pid) => pid !== process.pid);
  for (const pid of orphans()) signal(pid, 'SIGKILL');
  await waitFor(() => orphans().length === 0, KILL_WAIT_MS);
  rmSync(record.tempDir, { recursive: true, force: true, maxRetries: 3 });
  rmSync(recordFile(place), { force: true });
}

/** The id alone proves nothing: it may belong to another program by now. The token on the command line does. */
function isOurs(record: ServerRecord): boolean {
  return record.pid > 0 && runsWith(record.pid, record.token);
}

async function refuseTakenPort(port: number): Promise<void> {
  if (await isPortFree(port)) return;
  throw new LocalCloudError(
    'local.portTaken',
    `port ${port} is taken by another program: set WEIR_PORT to a free port, or end what listens there`,
  );
}

function isPortFree(port: number): Promise<boolean> {
  return new Promise((resolvePromise) => {
    const probe = createServer();
    probe.once('error', () => resolvePromise(false));
    probe.listen({ port, host: HOST, exclusive: true }, () => probe.close(() => resolvePromise(true)));
  });
}

interface Identity {
  readonly token: string;
  readonly pid: number;
  readonly auth: boolean;
}

async function identityAt(port: number): Promise<Identity | undefined> {
  const body = await get(port, '/_weir/local');
  try {
    const parsed = JSON.parse(body ?? '') as Partial<Identity> | null;
    return typeof parsed?.token === 'string' ? (parsed as Identity) : undefined;
  } catch {
    return undefined;
  }
}

async function answersHealth(port: number): Promise<boolean> {
  return (await get(port, '/_ministack/health'))?.includes('"services"') ?? false;
}

function get(port: number, path: string): Promise<string | undefined> {
  return new Promise((resolvePromise) => {
    const call = request({ host: HOST, port, path, timeout: 3_000, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', () => resolvePromise(undefined));
      response.on('end', () =>
        resolvePromise(response.statusCode === 200 ? Buffer.concat(chunks).toString('utf8') : undefined),
      );
    });
    call.on('timeout', () => call.destroy());
    call.on('error', () => resolvePromise(undefined));
    call.end();
  });
}

async function waitFor(condition: () => boolean, timeoutMs: number): Promise<boolean> {
  const deadline = Date.now() + timeoutMs;
  while (!condition()) {
    if (Date.now() > deadline) return false;
    await sleep(25);
  }
  return true;
}

function withServerLock<T>(place: Place, work: () => Promise<T>): Promise<T> {
  return withFileLock(join(place.stateDir, `local-${place.port}.lock`), { timeoutMs: 10 * 60_000 }, work);
}

function readRecord(place: Place): ServerRecord | undefined {
  try {
    return JSON.parse(readFileSync(recordFile(place), 'utf8')) as ServerRecord;
  } catch {
    return undefined;
  }
}

function describe(place: Place, record: ServerRecord) {
  return { endpoint: endpointOf(place.port), port: place.port, pid: record.pid, logFile: record.logFile };
}

function lastLine(logFile: string): string {
  try {
    const lines = readFileSync(logFile, 'utf8').trim().split('\n');
    return lines.at(-1)?.trim() || 'its log is empty';
  } catch {
    return 'it has no log';
  }
}

/** Tests share one virtual environment over many state directories. */
const venvCache = (place: Place): string => process.env.WEIR_VENV_CACHE || place.stateDir;
const absolute = ({ port, stateDir }: Place): Place => ({ port, stateDir: resolve(stateDir) });
const recordFile = (place: Place): string => join(place.stateDir, `local-${place.port}.json`);
const endpointOf = (port: number): string => `http://${HOST}:${port}`;
const describeAuth = (auth: boolean): string => (auth ? 'with IAM enforced' : 'without IAM');
