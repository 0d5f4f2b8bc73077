import type { Contract } from '#lib/domain/contract/contract.ts'
import type { JournalEntry } from '#lib/domain/ingest/journal.ts'
import { isAfter, type Predecessor, START } from '#lib/domain/kernel/sequence-number.ts'
import { dateOf } from '#lib/domain/kernel/time.ts'

const MS_PER_DAY = 86_400_000

/**
 * Which of a product's dated objects retention may have removed by now. An object is created on the date in its name or
 * later, and removed at the midnight after its days: one whose date is not older than that must be there.
 */
export class DueObjects {
  readonly #rawSince: string
  readonly #quarantineSince: string

  constructor(retention: Pick<Contract['retention'], 'rawDays' | 'quarantineDays'>, nowMs: number) {
    const since = (days: number) => dateOf((nowMs - days * MS_PER_DAY) * 1_000)
    this.#rawSince = since(retention.rawDays)
    this.#quarantineSince = since(retention.quarantineDays)
  }

  isRawDue = (uri: string): boolean => isOlder(uri, this.#rawSince)

  isQuarantineDue = (uri: string): boolean => isOlder(uri, this.#quarantineSince)
}

function isOlder(uri: string, since: string): boolean {
  const date = /\/date=(\d{4}-\d{2}-\d{2})\//.exec(uri)?.[1]
  return date !== undefined && date < since
}

/** The position up to which a shard's objects may be gone: the last one whose object is due. */
export function dueUpTo(
  entries: readonly JournalEntry[],
  isDue: (entry: JournalEntry) => boolean,
): Predecessor {
  return entries.findLast(isDue)?.last ?? START
}

/** The entries up to a position. */
export function entriesUpTo(
  entries: readonly JournalEntry[],
  position: Predecessor,
): readonly JournalEntry[] {
  return position === START ? [] : entries.filter((entry) => !isAfter(entry.last, position))
}
