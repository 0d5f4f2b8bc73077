import { CommandError } from './failure.ts'
import type { OpenTable } from './table-target.ts'

type Advice = (where: string) => string

/** What a person can do about what the lake says. */
const ADVICE: Readonly<Record<string, Advice>> = {
  'lake.tableNotFound': () => 'it is made by its first commit: run `weir up`, send events and wait',
  'lake.onHold': (where) => `once it is as it should be, run \`weir table release ${where}\``,
  'lake.snapshotGone': (where) => `\`weir table history ${where}\` names those that are retained`,
  'lake.rolledBack': (where) =>
    `roll back with Weir to a snapshot that knows its fences: \`weir table history ${where}\``,
  'lake.fencesUnproven': () => 'see "Lake/CommitSnapshots/Errors" in docs/runbook.md',
  'lake.rowDeletes': () => 'somebody has deleted rows meanwhile: repeat the command',
  'lake.conflict': () => 'nothing was changed',
  'lake.outcomeUnknown': (where) => `\`weir table history ${where}\` shows the snapshots`,
  'lake.refNotFound': (where) => `\`weir table refs ${where}\` names those there are`,
  'lake.refExists': () => 'drop it first, or choose another name',
  'lake.commitAttemptsExhausted': () =>
    'somebody commits to it all the time: nothing is lost, repeat the command',
  'lake.filesStale': () => 'repeat the command',
  'lake.inputGone': () => 'somebody has replaced files meanwhile: repeat the command',
  'lake.orphansTooFresh': () => 'then repeat the command',
  'lake.unsupportedTable': () => 'maintain it with the engine that made it so',
}

/** Runs work on a table; what the library says about it comes with what can be done. */
export async function advised<T>(
  { known, region }: Pick<OpenTable, 'known' | 'region'>,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw adviceFor(`${known.name} --region ${region}`, error)
  }
}

/** The error as one line with advice, or as it is where nothing is known to help. */
export function adviceFor(where: string, error: unknown): unknown {
  if (!(error instanceof Error) || !('code' in error)) return error
  const code = String(error.code)
  const advice = ADVICE[code]
  if (advice === undefined) return error
  return new CommandError(code, `${error.message.trim()}; ${advice(where)}`, {
    cause: error,
  })
}
