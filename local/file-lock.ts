import { randomBytes } from 'node:crypto'
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { LocalCloudError } from './errors.ts'
import { isAlive, startTimeOf } from './processes.ts'

/** What a lock file says about its holder. */
interface Holder {
  readonly pid: number
  readonly startTime?: string
  readonly nonce: string
}

export interface LockOptions {
  readonly timeoutMs: number
  readonly onWait?: (holderPid: number) => void
  /** What to fail with when the time is over. @default `local.locked`, naming the file */
  readonly failure?: (holderPid: number) => Error
}

/**
 * Runs the work while no other process holds the lock file. A lock whose holder died is taken over: nobody has to
 * delete a file by hand after a crash.
 */
export async function withFileLock<T>(
  path: string,
  options: LockOptions,
  work: () => Promise<T>,
): Promise<T> {
  mkdirSync(dirname(path), { recursive: true })
  const nonce = randomBytes(8).toString('hex')
  const mine = JSON.stringify({ pid: process.pid, startTime: startTimeOf(process.pid), nonce })
  const staging = `${path}.${nonce}`
  const deadline = Date.now() + options.timeoutMs
  let told = false
  writeFileSync(staging, mine)
  try {
    while (!tryLink(staging, path)) {
      const found = readHolder(path)
      if (found === 'gone') continue
      if (isStale(found)) {
        takeAway(path, found, nonce)
        continue
      }
      if (Date.now() > deadline) {
        if (options.failure !== undefined) throw options.failure(found.pid)
        throw new LocalCloudError(
          'local.locked',
          `another process (pid ${found.pid}) has held ${path} for too long: end it, or delete that file if it is stuck`,
        )
      }
      if (!told) options.onWait?.(found.pid)
      told = true
      await sleep(100)
    }
  } finally {
    rmSync(staging, { force: true })
  }
  try {
    return await work()
  } finally {
    const holder = readHolder(path)
    if (holder !== 'gone' && holder.nonce === nonce) rmSync(path, { force: true })
  }
}

/** A hard link appears with its whole content at once and fails if the name exists: no reader sees half a lock. */
function tryLink(staging: string, path: string): boolean {
  try {
    linkSync(staging, path)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

function readHolder(path: string): Holder | 'gone' {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Holder
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 'gone'
    return { pid: 0, nonce: '' }
  }
}

function isStale(holder: Holder): boolean {
  if (holder.pid <= 0 || !isAlive(holder.pid)) return true
  return holder.startTime !== undefined && startTimeOf(holder.pid) !== holder.startTime
}

/**
 * Two waiters may judge the same stale lock, and the slower one may find that the faster one has already replaced it.
 * So the file is moved aside first, and put back if it is not the one that was judged.
 */
function takeAway(path: string, judged: Holder, nonce: string): void {
  const aside = `${path}.${nonce}.stale`
  try {
    renameSync(path, aside)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
    throw error
  }
  const moved = readHolder(aside)
  if (moved !== 'gone' && moved.nonce !== judged.nonce) tryLink(aside, path)
  rmSync(aside, { force: true })
}
