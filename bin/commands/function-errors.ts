import { LambdaClient } from '@aws-sdk/client-lambda'
import { FunctionErrors } from '#lib/adapters/logs/function-errors.ts'
import type { DeployedProduct } from './cells.ts'
import type { CommandContext } from './context.ts'
import { reportOf } from './failure.ts'

/** The functions of a product that run by themselves. */
const WATCHED = {
  'archive-events': 'archiveEvents',
  'commit-snapshots': 'commitSnapshots',
  'update-windows': 'updateWindows',
} as const

export type WatchedFunction = keyof typeof WATCHED

/** What a function last failed with. */
export interface FunctionProblem {
  readonly function: WatchedFunction
  /** ISO 8601; null if its log cannot be read. */
  readonly time: string | null
  readonly message: string
  readonly logGroup: string | null
  /** The line of the log, shortened. */
  readonly line: string | null
}

/** The newest error that each of these functions logged since then; nothing of those that logged none. */
export async function lastErrors(
  context: CommandContext,
  { cell, functions }: DeployedProduct,
  names: readonly WatchedFunction[],
  sinceMs: number,
): Promise<readonly FunctionProblem[]> {
  const { target } = context
  const lambda = new LambdaClient(target.clientConfig(cell.region))
  const errors = new FunctionErrors({ lambda, endpoint: target.endpoint })
  const found = await Promise.all(
    names.map(async (name): Promise<readonly FunctionProblem[]> => {
      try {
        const last = await errors.last(functions[WATCHED[name]], sinceMs)
        if (last === undefined) return []
        const { atMs, message, logGroup, line } = last
        return [{ function: name, time: new Date(atMs).toISOString(), message, logGroup, line }]
      } catch (error) {
        // Whoever asks may be allowed to see the stores and not the logs: the rest is worth telling all the same.
        const message = `its log cannot be read: ${reportOf(error).message}`
        return [{ function: name, time: null, message, logGroup: null, line: null }]
      }
    }),
  )
  return found.flat()
}

/** `archive-events failed at 12:00:01Z: … (log group …)`, one line. */
export function problemLine({ function: name, time, message, logGroup }: FunctionProblem): string {
  if (time === null) return `${name}: ${message}`
  return `${name} failed at ${time}: ${message} (log group ${logGroup})`
}
