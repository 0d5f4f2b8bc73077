import type { JournalEntry } from '#lib/domain/ingest/journal.ts'
import { isAfter, type Predecessor, START } from '#lib/domain/kernel/sequence-number.ts'

/**
 * What is wrong with a shard's chain up to a position: `entries` are all of them up to there, in position order;
 * `rawUris` every raw object of the shard. Empty if each entry follows the one before it, the last one ends at the
 * position, and raw objects and entries belong together one to one. An object that retention may have removed
 * (`isDue`) is not missed, and needs no entry.
 */
export function chainProblems(
  shard: string,
  cut: Predecessor,
  entries: readonly JournalEntry[],
  rawUris: ReadonlySet<string>,
  isDue: (rawUri: string) => boolean = () => false,
): readonly string[] {
  const problems: string[] = []
  let before: Predecessor = START
  for (const entry of entries) {
    if (entry.prev !== before) {
      problems.push(
        `the entry up to ${entry.last} follows ${entry.prev}, the one before it ends at ${before}`,
      )
    }
    if (!isAfter(entry.first, entry.prev) || isAfter(entry.first, entry.last)) {
      problems.push(
        `the entry up to ${entry.last} starts at ${entry.first}: outside of its own range`,
      )
    }
    if (!rawUris.has(entry.rawUri) && !isDue(entry.rawUri)) {
      problems.push(`raw object ${entry.rawUri} is missing`)
    }
    before = entry.last
  }
  if (before !== cut)
    problems.push(`the table is at ${cut}, where no entry ends (the last is ${before})`)
  const named = new Set(entries.map((entry) => entry.rawUri))
  for (const uri of rawUris) {
    if (named.has(uri) || isDue(uri)) continue
    const prev = predecessorInUri(shard, uri)
    // What follows the cut may be decided and not handed over yet.
    if (prev === undefined || (prev !== cut && (prev === START || !isAfter(prev, cut)))) {
      problems.push(`raw object ${uri} has no entry`)
    }
  }
  return problems
}

/** `…/<shard>-<prev>.json.zst` → prev. */
export function predecessorInUri(shard: string, uri: string): Predecessor | undefined {
  const name = uri.slice(uri.lastIndexOf('/') + 1)
  const match = /^(start|\d{4,})\.json\.zst$/.exec(name.slice(shard.length + 1))
  return name.startsWith(`${shard}-`) ? (match?.[1] as Predecessor | undefined) : undefined
}

/** The shard in a raw object's name. */
export function shardInUri(uri: string): string | undefined {
  const name = uri.slice(uri.lastIndexOf('/') + 1)
  return /^(.+)-(?:start|\d{4,})\.json\.zst$/.exec(name)?.[1]
}
