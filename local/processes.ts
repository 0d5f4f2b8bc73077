import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'

/** True while a process with this id exists, whoever owns it. A zombie counts as gone. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false
  }
  return statFields(pid)?.[0] !== 'Z'
}

/** When the process started, in a form that is only good for comparing: it tells a reused id from the first owner. */
export function startTimeOf(pid: number): string | undefined {
  const fields = statFields(pid)
  // Field 22 of /proc/<pid>/stat; the list starts at field 3.
  return fields === undefined ? undefined : fields[22 - 3]
}

/** True if the process runs with this text on its command line. */
export function runsWith(pid: number, text: string): boolean {
  if (!isAlive(pid)) return false
  const fromProc = readOrUndefined(`/proc/${pid}/cmdline`)
  if (fromProc !== undefined) return fromProc.includes(text)
  return ps(['-p', String(pid), '-o', 'command=']).includes(text)
}

/**
 * The living processes that carry this text in their environment. Children inherit it, so it finds what a server
 * left behind even after the server itself was killed. Where /proc is missing the answer is the process group.
 */
export function processesMarked(environmentEntry: string, group: number): number[] {
  const marked: number[] = []
  let entries: string[]
  try {
    entries = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  } catch {
    return ps(['-A', '-o', 'pid=,pgid='])
      .split('\n')
      .map((line) => line.trim().split(/\s+/).map(Number))
      .filter(([pid, processGroup]) => pid !== undefined && processGroup === group)
      .map(([pid]) => pid as number)
  }
  for (const entry of entries) {
    const environment = readOrUndefined(`/proc/${entry}/environ`)
    if (environment?.split('\0').includes(environmentEntry) && isAlive(Number(entry))) {
      marked.push(Number(entry))
    }
  }
  return marked
}

/** Sends the signal; a process that is already gone is fine. */
export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

function statFields(pid: number): string[] | undefined {
  const stat = readOrUndefined(`/proc/${pid}/stat`)
  // The command name is in parentheses and may itself hold spaces and parentheses.
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')
}

function readOrUndefined(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

function ps(args: string[]): string {
  try {
    return execFileSync('ps', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
  } catch {
    return ''
  }
}
