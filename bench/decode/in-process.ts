import { spawnSync } from 'node:child_process'

/** What a file prints that is run in a fresh process, on one core where the system can say so. */
export function inProcess(file: string, ...args: readonly string[]): string {
  return onOneCore([process.execPath, file, ...args])
}

/** What a command prints, the same way. */
export function onOneCore(command: readonly string[]): string {
  const pinned = ['taskset', '-c', '1', ...command]
  const [program, ...args] = hasTaskset() ? pinned : command
  const { status, stdout, stderr } = spawnSync(program!, args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${command.slice(1).join(' ')} failed: ${stderr}`)
  return stdout
}

function hasTaskset(): boolean {
  return process.platform === 'linux' && spawnSync('taskset', ['-c', '1', 'true']).status === 0
}
