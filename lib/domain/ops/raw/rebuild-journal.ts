import type { ContractVersions } from '#lib/domain/contract/contract-versions.ts'
import type { Identify } from '#lib/domain/ingest/identity.ts'
import type { JournalEntry, ShardRegistration } from '#lib/domain/ingest/journal.ts'
import type { ShardLineage } from '#lib/domain/ingest/lineage.ts'
import { PlatformError } from '#lib/domain/kernel/errors.ts'
import type { ObjectStore } from '#lib/domain/kernel/object-store.ts'
import { START } from '#lib/domain/kernel/sequence-number.ts'
import { allEntries, rawObjects } from '../record-objects.ts'
import { DerivedByBatch } from './derived-by-batch.ts'
import { draftOf } from './draft-journal.ts'
import { EntryRebuilder, type RebuiltBy } from './entry-rebuilder.ts'
import { followChain, type RawGap } from './raw-chain.ts'
import { registerShards } from './register-shards.ts'
import { type VerifyRawDependencies, verifyRaw } from './verify-raw.ts'

export interface RebuildJournalDependencies extends VerifyRawDependencies {
  readonly objects: Pick<ObjectStore, 'get' | 'list' | 'put'>
  readonly contracts: ContractVersions
  /** What the stream knows of its shards: raw does not say which came from which. */
  readonly lineage: Pick<ShardLineage, 'parents'>
  readonly identify: Identify
}

export interface RebuildJournalOptions {
  /** Finds out everything and writes nothing. */
  readonly dryRun?: boolean
  readonly onProgress?: (objectsRead: number, total: number) => void
}

export interface RebuiltShard {
  readonly shard: string
  /** Entries that were there and stay as they are. */
  readonly kept: number
  /** Entries that were made anew. */
  readonly rebuilt: number
  readonly events: number
  /** Of the rebuilt: by what they name. */
  readonly by: Readonly<Record<RebuiltBy, number>>
}

export interface RebuiltJournal {
  readonly dryRun: boolean
  readonly kept: number
  readonly rebuilt: number
  readonly shards: readonly RebuiltShard[]
  /** Shards that the stream has forgotten, and the journal with it: taken to have no parents. */
  readonly unlisted: readonly string[]
}

/**
 * Makes a journal's missing registrations and entries once more from raw, and from what batches became. Entries that
 * are there stay as they are; it may die anywhere and be repeated. Registrations come first: from then on the
 * archive, too, goes along raw. Throws `raw.incomplete`, before anything is written, if raw has a gap, and
 * `raw.expired` if its beginning has expired and the journal does not have the entry there.
 */
export async function rebuildJournal(
  deps: RebuildJournalDependencies,
  options: RebuildJournalOptions = {},
): Promise<RebuiltJournal> {
  const { dryRun = false, onProgress } = options
  const journal = dryRun ? draftOf(deps.journal) : deps.journal
  const { firstGap, objects: total } = await verifyRaw(deps)
  if (firstGap !== undefined) throw incomplete(firstGap)
  const found = await rawObjects(deps.objects, deps.layout)
  const { inOrder, unlisted } = await registerShards(journal, deps.lineage, startDates(found))
  const rebuilder = new EntryRebuilder({
    ...deps,
    journal,
    derived: await DerivedByBatch.list(deps.objects, deps.layout),
    isWriting: !dryRun,
  })
  const shards: RebuiltShard[] = []
  let read = 0
  for (const registration of inOrder) {
    const uris = found.get(registration.shard)!
    shards.push(
      await rebuildShard({ ...deps, journal }, rebuilder, registration, uris, () =>
        onProgress?.(++read, total),
      ),
    )
  }
  return {
    dryRun,
    kept: shards.reduce((sum, one) => sum + one.kept, 0),
    rebuilt: shards.reduce((sum, one) => sum + one.rebuilt, 0),
    shards,
    unlisted,
  }
}

async function rebuildShard(
  { journal, objects }: RebuildJournalDependencies,
  rebuilder: EntryRebuilder,
  registration: ShardRegistration,
  uris: ReadonlySet<string>,
  onRead: () => void,
): Promise<RebuiltShard> {
  const { shard } = registration
  const there = new Map((await allEntries(journal, shard)).map((entry) => [entry.last, entry]))
  const by: Record<RebuiltBy, number> = { same: 0, adopted: 0, written: 0 }
  let [kept, rebuilt, events] = [0, 0, 0]
  let head: JournalEntry | undefined
  for await (const step of followChain(objects, shard, uris)) {
    if (step.kind === 'gap') throw incomplete(step.gap)
    const { link } = step
    onRead()
    if (head === undefined && link.prev !== START) {
      head = there.get(link.prev)
      if (head === undefined) throw expired(shard, link.uri)
    }
    events += link.batch.events.length
    const known = there.get(link.last)
    if (known !== undefined) {
      head = known
      kept++
      continue
    }
    const { entry, how } = await rebuilder.entryOf(registration, head, link)
    head = await journal.append(entry)
    by[how]++
    rebuilt++
  }
  return { shard, kept, rebuilt, events, by }
}

/** The date in the name of each shard's first raw object; of one that has expired, that of the oldest there is. */
function startDates(found: ReadonlyMap<string, ReadonlySet<string>>): ReadonlyMap<string, string> {
  const dates = [...found].map(([shard, uris]): [string, string] => {
    const all = [...uris]
    const first = all.find((uri) => uri.endsWith(`/${shard}-${START}.json.zst`))
    const named = (first === undefined ? all : [first]).map(
      (uri) => /\/date=(\d{4}-\d{2}-\d{2})\//.exec(uri)?.[1] ?? '',
    )
    return [shard, named.sort()[0]!]
  })
  return new Map(dates)
}

function incomplete({ shard, after, before, reason }: RawGap): PlatformError {
  const range = before === undefined ? `after ${after}` : `after ${after} up to ${before}`
  return new PlatformError(
    'raw.incomplete',
    `raw of shard ${shard} is not whole ${range}: ${reason}; no journal can be made of it`,
  )
}

function expired(shard: string, uri: string): PlatformError {
  return new PlatformError(
    'raw.expired',
    `what shard ${shard} held before ${uri} has expired, and the journal has no entry there to go on from: restore the journal to a time before it was lost (point-in-time recovery), then repeat`,
  )
}
