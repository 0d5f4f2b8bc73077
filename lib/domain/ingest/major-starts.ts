import type { ContractsInForce } from '#lib/domain/contract/contract-versions.ts'
import { majorOf } from '#lib/domain/contract/version.ts'
import { type Predecessor, START } from '#lib/domain/kernel/sequence-number.ts'
import type { JournalEntry } from './journal.ts'

/**
 * After which position of a shard batches may hold rows of a major, by major. It is handed on from entry to entry, so
 * that a new major's table need not read the journal from its beginning.
 */
export type MajorStarts = Readonly<Record<string, Predecessor>>

/** What an entry says; one that says nothing has known one major since the shard's start. */
export function majorStartsOf({ majors, contractVersion }: JournalEntry): MajorStarts {
  return majors ?? { [majorOf(contractVersion)]: START }
}

/** For the entry after `head`; undefined while there is one major only. Once a major has come it stays. */
export function nextMajorStarts(
  head: JournalEntry | undefined,
  inForce: ContractsInForce,
): MajorStarts | undefined {
  const starts: Record<string, Predecessor> = head === undefined ? {} : { ...majorStartsOf(head) }
  for (const { version } of inForce.majors) starts[majorOf(version)] ??= head?.last ?? START
  return Object.keys(starts).length > 1 ? starts : undefined
}

/** The fence that a major's table starts with: nothing up to it can be a row of that table. */
export function firstFence(head: JournalEntry | undefined, major: number): Predecessor {
  return head === undefined ? START : (majorStartsOf(head)[major] ?? head.last)
}

/** The rows of a batch that went into a major's table. */
export function admittedOf(entry: JournalEntry, major: number): number {
  if (entry.admittedByMajor !== undefined) return entry.admittedByMajor[major] ?? 0
  return majorOf(entry.contractVersion) === major ? entry.counts.admitted : 0
}
