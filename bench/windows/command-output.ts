import { spawnSync } from 'node:child_process'

/** What a command prints, on one core where the system can say so. Throws with its complaint if it fails. */
export function commandOutput(
  command: string,
  args: readonly string[],
  { cwd, onOneCore = true }: { readonly cwd?: string; readonly onOneCore?: boolean } = {},
): string {
  const isPinned = onOneCore && spawnSync('taskset', ['-c', '1', 'true']).status === 0
  const [program, ...rest] = isPinned
    ? ['taskset', '-c', '1', command, ...args]
    : [command, ...args]
  const { status, stdout, stderr, error } = spawnSync(program!, rest, {
    encoding: 'utf8',
    ...(cwd === undefined ? {} : { cwd }),
  })
  if (status !== 0) throw new Error(`${command} failed: ${error?.message ?? `${stderr}${stdout}`}`)
  return stdout
}
