// The one entry of every npm script. Runs on whatever Node a machine has and needs nothing installed: it installs
// what package-lock.json says, once, and hands over to the project's own Node, which runs TypeScript as it is.
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { constants } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const modules = join(root, 'node_modules')
const marker = join(modules, '.weir-installed')
const stateDir = join(root, '.weir')
const lock = join(stateDir, 'install.lock')
const LOCK_TIMEOUT_MS = 10 * 60 * 1000

const [entry, ...args] = process.argv.slice(2)
if (entry === undefined) fail('usage: node scripts/run.mjs <entry.ts> [arguments]')
install()
run(projectNode())

function install() {
  const text = readOrEmpty(join(root, 'package-lock.json'))
  if (text === '')
    fail(`${join(root, 'package-lock.json')} is missing: this is no complete checkout`)
  const wanted = createHash('sha256').update(text).digest('hex')
  const isInstalled = () => existsSync(join(modules, 'node')) && readOrEmpty(marker) === wanted
  if (isInstalled()) return
  const problem = withLock(() => {
    if (isInstalled()) return undefined
    const failure = agreesWithLock(text) ? undefined : installWithNpm()
    if (failure === undefined) writeFileSync(marker, wanted)
    return failure
  })
  if (problem !== undefined) fail(problem)
}

/** Whether somebody's own `npm ci` or `npm install` already brought what the lock file says. */
function agreesWithLock(text) {
  const installed = readOrEmpty(join(modules, '.package-lock.json'))
  if (installed === '' || !existsSync(join(modules, 'node'))) return false
  const [have, want] = [JSON.parse(installed).packages, JSON.parse(text).packages]
  return Object.entries(want).every(([path, { version, optional, devOptional, peer }]) => {
    if (path === '' || have[path]?.version === version) return true
    // Packages of other platforms are in the lock file and not on the disk.
    return have[path] === undefined && (optional || devOptional || peer)
  })
}

/** Undefined, or one line that says why not. */
function installWithNpm() {
  process.stderr.write('installing the dependencies ...\n')
  // `npm ci` removes everything first: only where there is nothing that somebody may be running right now.
  const isFresh = !existsSync(join(modules, '.package-lock.json'))
  const command = isFresh ? ['ci'] : ['install', '--no-save']
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm'
  const result = spawnSync(npm, [...command, '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  })
  if (result.error?.code === 'ENOENT')
    return 'npm was not found: install Node.js 20 or newer, which brings it'
  if (result.error) return `npm could not be started: ${result.error.message}`
  if (result.status === 0) return undefined
  return `npm ${command[0]} failed (exit ${result.status ?? result.signal}): the lines above say why; is the npm registry reachable?`
}

/** Two commands started at once on a fresh clone must not install into one folder together. */
function withLock(work) {
  mkdirSync(stateDir, { recursive: true })
  const mine = `${lock}.${process.pid}`
  writeFileSync(mine, String(process.pid))
  const deadline = Date.now() + LOCK_TIMEOUT_MS
  try {
    let told = false
    while (!tryLink(mine)) {
      const holder = Number(readOrEmpty(lock))
      if (holder !== 0 && !isAlive(holder)) {
        rmSync(lock, { force: true })
        rmSync(`${lock}.${holder}`, { force: true })
        continue
      }
      if (Date.now() > deadline) {
        return `process ${holder} has been installing for too long: end it, or delete ${lock}`
      }
      if (!told) process.stderr.write(`waiting for process ${holder}, which is installing ...\n`)
      told = true
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200)
    }
    try {
      return work()
    } finally {
      rmSync(lock, { force: true })
    }
  } finally {
    rmSync(mine, { force: true })
  }
}

/** A link appears with its content at once: no other process reads half a lock. */
function tryLink(staging) {
  try {
    linkSync(staging, lock)
    return true
  } catch (error) {
    if (error.code === 'EEXIST') return false
    throw error
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}

/** The Node of the `node` package; where its install script did not run, a Node that is new enough. */
function projectNode() {
  const own = join(modules, 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node')
  if (existsSync(own)) return own
  if (Number(process.versions.node.split('.')[0]) >= 24) return process.execPath
  return fail(
    `${own} is missing (npm ran without install scripts?): run \`npm rebuild node\`, or use Node 24`,
  )
}

function run(node) {
  const child = spawn(node, [join(root, entry), ...args], {
    stdio: 'inherit',
    env: {
      ...process.env,
      // Whatever is started from here (the CDK, the functions of the local cloud) gets the same Node.
      PATH: [dirname(node), join(modules, '.bin'), process.env.PATH].join(delimiter),
      NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? join(modules, '.cache', 'weir-compile'),
    },
  })
  child.on('error', (error) => fail(`${node} could not be started: ${error.message}`))
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? 128 + (constants.signals[signal] ?? 0)
  })
}

function readOrEmpty(path) {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

function fail(message) {
  process.stderr.write(`weir: ${message}\n`)
  process.exit(1)
}
