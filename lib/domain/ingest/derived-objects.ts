import { contentHash } from '#lib/domain/kernel/content-hash.ts'
import { inParallel } from '#lib/domain/kernel/in-parallel.ts'
import type { ObjectStore } from '#lib/domain/kernel/object-store.ts'
import { dateOf } from '#lib/domain/kernel/time.ts'
import { curatedParts, encodeCurated } from './curated-files.ts'
import type { DecidedBatch } from './decided-batch.ts'
import type { Judgement } from './judge.ts'
import { type ProductLayout, quarantineUri, verdictsUri } from './layout.ts'
import { encodeQuarantine } from './quarantine-file.ts'
import { type CuratedFile, encodeVerdicts } from './verdicts-object.ts'

/** Files of one batch that are written side by side: as many days as it has. */
const WRITES_AT_ONCE = 32

/** Where a judged batch lies; absent is what it has none of. */
export interface DerivedObjects {
  readonly verdictsUri?: string
  readonly quarantineUri?: string
}

/** Writes what a judged batch becomes, and says where it lies. What the verdicts name is there before them. */
export async function writeDerived(
  {
    layout,
    objects,
  }: { readonly layout: ProductLayout; readonly objects: Pick<ObjectStore, 'put'> },
  decided: DecidedBatch,
  judgement: Judgement,
): Promise<DerivedObjects> {
  const { shard, inForce, arrivals } = decided
  const { last } = decided.range
  const files = await inParallel(
    curatedParts(judgement.admitted),
    WRITES_AT_ONCE,
    async (part): Promise<CuratedFile> => {
      const { file, bytes } = encodeCurated(layout, part, shard, last)
      // A plain put: a repeat refreshes the object's age, which is what orphan removal goes by.
      await objects.put(file.path, bytes)
      return file
    },
  )
  const derived: { -readonly [K in keyof DerivedObjects]: DerivedObjects[K] } = {}
  if (judgement.rejected.length > 0) {
    const { received } = decided.records
    const bytes = encodeQuarantine(shard, inForce.named.version, judgement.rejected, received)
    // Its own arrival, not its predecessor's: a shard may have been idle longer than quarantine is kept.
    const date = dateOf(arrivals.at(-1)!)
    derived.quarantineUri = quarantineUri(layout, date, shard, last, contentHash(bytes))
    await objects.put(derived.quarantineUri, bytes)
  }
  if (files.length > 0) {
    const { identities, arrivalMinutes } = judgement
    const bytes = encodeVerdicts({ files, identities, arrivalMinutes })
    derived.verdictsUri = verdictsUri(layout, shard, last, contentHash(bytes))
    await objects.put(derived.verdictsUri, bytes)
  }
  return derived
}
