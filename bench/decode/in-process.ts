import { spawnSync } from 'node:child_process'

/** What a file prints that is run in a fresh process, on one core where the system can say so. */
export function inProcess(file: string, ...args: readonly string[]): string {
  const command = [process.execPath, file, ...args]
  const pinned = ['taskset', '-c', '1', ...command]
  const [program, ...rest] = hasTaskset() ? pinned : command
  const { status, stdout, stderr } = spawnSync(program!, rest, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${file} ${args.join(' ')} failed: ${stderr}`)
  return stdout
}

function hasTaskset(): boolean {
  return process.platform === 'linux' && spawnSync('taskset', ['-c', '1', 'true']).status === 0
}
