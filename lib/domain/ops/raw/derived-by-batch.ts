import { type ProductLayout, quarantinePrefix, verdictsPrefix } from '#lib/domain/ingest/layout.ts'
import { type BatchVerdicts, decodeVerdicts } from '#lib/domain/ingest/verdicts-object.ts'
import { PlatformError } from '#lib/domain/kernel/errors.ts'
import type { ObjectStore } from '#lib/domain/kernel/object-store.ts'
import type { SequenceNumber } from '#lib/domain/kernel/sequence-number.ts'

/** What the archive decided about a batch, by what it left. */
export interface KnownVerdicts extends Pick<BatchVerdicts, 'identities' | 'arrivalMinutes'> {
  /** The objects that say so: one, but where attempts of different code have been at it. */
  readonly uris: readonly string[]
}

/** The objects that batches became, found by their names: what a journal that is lost no longer says. */
export class DerivedByBatch {
  readonly #verdicts = new Map<string, string[]>()
  readonly #quarantine = new Map<string, string[]>()
  readonly #objects: Pick<ObjectStore, 'get'>

  private constructor(objects: Pick<ObjectStore, 'get'>) {
    this.#objects = objects
  }

  static async list(
    objects: Pick<ObjectStore, 'get' | 'list'>,
    layout: ProductLayout,
  ): Promise<DerivedByBatch> {
    const found = new DerivedByBatch(objects)
    for await (const { uri } of objects.list(verdictsPrefix(layout))) {
      const [, shard, last] = /\/([^/]+)\/(\d{4,})-[0-9a-f]+\.json\.zst$/.exec(uri) ?? []
      if (shard !== undefined) add(found.#verdicts, `${shard}-${last}`, uri)
    }
    for await (const { uri } of objects.list(quarantinePrefix(layout))) {
      const [, batch] = /\/([^/]+-\d{4,})-[0-9a-f]+\.parquet$/.exec(uri) ?? []
      if (batch !== undefined) add(found.#quarantine, batch, uri)
    }
    return found
  }

  quarantineOf(shard: string, last: SequenceNumber): readonly string[] {
    return this.#quarantine.get(`${shard}-${last}`) ?? []
  }

  /**
   * Undefined if there are none: nothing was admitted, or they are lost. Throws `raw.otherVerdicts` where attempts
   * have left different ones, of which only the journal knew which held.
   */
  async verdictsOf(shard: string, last: SequenceNumber): Promise<KnownVerdicts | undefined> {
    const uris = this.#verdicts.get(`${shard}-${last}`) ?? []
    const [first, ...others] = await Promise.all(
      uris.map(async (uri) => decodeVerdicts(uri, await this.#objects.get(uri))),
    )
    if (first === undefined) return undefined
    if (others.some((other) => textOf(other) !== textOf(first))) {
      throw new PlatformError(
        'raw.otherVerdicts',
        `${uris.join(' and ')} admit different events of one batch: restore the journal from its backup, or remove the one that is not the table's`,
      )
    }
    return { ...first, uris }
  }
}

function add(found: Map<string, string[]>, batch: string, uri: string): void {
  found.set(batch, [...(found.get(batch) ?? []), uri])
}

function textOf({ identities, arrivalMinutes }: BatchVerdicts): string {
  return `${Buffer.from(identities).toString('base64')} ${arrivalMinutes.join()}`
}
