import type { ContractVersions } from '#lib/domain/contract/contract-versions.ts'
import { hasCode, PlatformError } from '#lib/domain/kernel/errors.ts'
import type { ObjectStore } from '#lib/domain/kernel/object-store.ts'
import {
  digitsOf,
  parseSequenceNumber,
  type SequenceNumber,
  sequenceNumber,
} from '#lib/domain/kernel/sequence-number.ts'
import { admittedAgain } from './admitted-again.ts'
import { curatedParts, encodeCurated } from './curated-files.ts'
import { decodeRaw } from './decode-raw.ts'
import { VersionedDecoder } from './decoder/versioned-decoder.ts'
import type { Identify } from './identity.ts'
import type { Journal, JournalEntry } from './journal.ts'
import { judge } from './judge.ts'
import { type ProductLayout, tableLocation } from './layout.ts'
import { decodeRawBatch } from './raw-object.ts'
import { decodeVerdicts } from './verdicts-object.ts'

export interface CuratedFromRawDependencies {
  readonly objects: ObjectStore
  readonly journal: Journal
  readonly contracts: ContractVersions
  readonly layout: ProductLayout
  /** The cell's, asked for once it is needed. */
  readonly identify: () => Promise<Identify>
}

/** Batches of which the files are kept: those of one batch are asked for one after the other, by several readers. */
const MOST_BATCHES = 8

/**
 * Objects as they are; a curated file that is gone, because the table was compacted since, is made once more from the raw
 * object of its batch: by the contract that raw names, and with exactly the rows that the archive admitted. Nothing is
 * written.
 */
export function curatedFromRaw(deps: CuratedFromRawDependencies): ObjectStore {
  const { objects } = deps
  const batches = new Map<string, Promise<ReadonlyMap<string, Uint8Array>>>()
  const filesOf = (shard: string, last: SequenceNumber) => {
    const id = `${shard}-${last}`
    const known = batches.get(id) ?? rebuilt(deps, shard, last)
    batches.delete(id)
    batches.set(id, known)
    const oldest = batches.keys().next().value
    if (batches.size > MOST_BATCHES && oldest !== undefined) batches.delete(oldest)
    return known
  }
  return {
    async get(uri) {
      try {
        return await objects.get(uri)
      } catch (error) {
        const place = placeOf(deps.layout, uri)
        if (place === undefined || !hasCode(error, 'objects.notFound')) throw error
        const bytes = (await filesOf(place.shard, place.last)).get(place.name)
        if (bytes === undefined) throw error
        return bytes
      }
    },
    put: (uri, body, options) => objects.put(uri, body, options),
    putIfAbsent: (uri, body, options) => objects.putIfAbsent(uri, body, options),
    list: (prefix) => objects.list(prefix),
  }
}

async function rebuilt(
  deps: CuratedFromRawDependencies,
  shard: string,
  last: SequenceNumber,
): Promise<ReadonlyMap<string, Uint8Array>> {
  const entry = await entryAt(deps.journal, shard, last)
  if (entry?.verdictsUri === undefined) return new Map()
  const raw = decodeRawBatch(entry.rawUri, await rawOf(deps, entry))
  const memory = admittedAgain(
    decodeVerdicts(entry.verdictsUri, await deps.objects.get(entry.verdictsUri)),
  )
  const identify = await deps.identify()
  // From here to the end without a pause: the columns are valid until the decoder decodes the next batch.
  const inForce = deps.contracts.inForce(raw.contractVersion)
  const records = decodeRaw(new VersionedDecoder(), inForce, raw)
  const judgement = judge(records, inForce, memory, identify)
  if (judgement.counts.admitted !== entry.counts.admitted) {
    throw new PlatformError(
      'raw.otherVerdicts',
      `raw object ${entry.rawUri} gives ${judgement.counts.admitted} admitted events, and the archive admitted ${entry.counts.admitted}: it cannot stand in for the files that are gone`,
    )
  }
  const files = curatedParts(judgement.admitted).map((part) =>
    encodeCurated(deps.layout, part, shard, last),
  )
  return new Map(files.map(({ file, bytes }) => [placeOf(deps.layout, file.path)!.name, bytes]))
}

async function rawOf({ objects }: CuratedFromRawDependencies, entry: JournalEntry) {
  try {
    return await objects.get(entry.rawUri)
  } catch (error) {
    if (!hasCode(error, 'objects.notFound')) throw error
    const until = entry.eventTime === undefined ? '' : new Date(entry.eventTime.max / 1000).toJSON()
    throw new PlatformError(
      'raw.expired',
      `a batch with events up to ${until} is neither in the files that it was written to nor in raw any more: replay from after that time`,
      { cause: error, context: { rawUri: entry.rawUri } },
    )
  }
}

async function entryAt(
  journal: Journal,
  shard: string,
  last: SequenceNumber,
): Promise<JournalEntry | undefined> {
  const before = sequenceNumber(String(BigInt(digitsOf(last)) - 1n))
  const [entry] = await journal.entriesAfter(shard, before, 1)
  return entry?.last === last ? entry : undefined
}

/**
 * Of which batch a curated file is, and its name without the hash at its end: other code may write the same rows as
 * other bytes.
 */
function placeOf(
  layout: ProductLayout,
  uri: string,
): { readonly shard: string; readonly last: SequenceNumber; readonly name: string } | undefined {
  const match = /^(.*\/([^/]+)-(\d{4,}))-[0-9a-f]{32}\.parquet$/.exec(uri)
  if (match === null || !uri.startsWith(tableLocation(layout, ''))) return undefined
  return { shard: match[2]!, last: parseSequenceNumber(match[3]!), name: match[1]! }
}
