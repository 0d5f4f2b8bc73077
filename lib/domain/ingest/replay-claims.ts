import { PlatformError } from '#lib/domain/kernel/errors.ts'
import type { ObjectStore } from '#lib/domain/kernel/object-store.ts'
import type { JournalEntry } from './journal.ts'
import { type ProductLayout, replaysPrefix, replayUri } from './layout.ts'

/** The batch that a rejected event came in. */
export type ClaimedBatch = Pick<JournalEntry, 'shard' | 'last'>

/** Rejected events of one batch that one replay takes care of: written before any of them is sent. */
export interface ClaimContent {
  /** The contract that accepted them. */
  readonly contractVersion: string
  readonly claimedAtMs: number
  /** Places in the shard, `<sequence>/<index>`: those that are sent. */
  readonly toSend: readonly string[]
  /** Those that need not be sent, since a table or this claim has the same event. */
  readonly known: readonly string[]
}

export interface ReplayClaim extends ClaimContent {
  readonly number: number
  /** Places that were taken care of; undefined after a crash: nobody knows which of `toSend` were sent. */
  readonly done?: readonly string[]
}

/** The rows that nobody else may take up. */
export function claimedPlaces({ toSend, known, done }: ReplayClaim): readonly string[] {
  return done ?? [...toSend, ...known]
}

const VERSION = 1

/**
 * Which rejected events were replayed: objects created if absent, never changed. A claim comes before the sending and
 * a note that it is done after it, so whatever happens in between is known to be open.
 */
export class ReplayClaims {
  readonly #objects: ObjectStore
  readonly #layout: ProductLayout
  /** Names of the claims by batch, as listed; their content is read when somebody asks. */
  readonly #listed: Map<string, Set<string>>

  private constructor(
    objects: ObjectStore,
    layout: ProductLayout,
    listed: Map<string, Set<string>>,
  ) {
    this.#objects = objects
    this.#layout = layout
    this.#listed = listed
  }

  /** All that there are, from one listing. */
  static async load(objects: ObjectStore, layout: ProductLayout): Promise<ReplayClaims> {
    const listed = new Map<string, Set<string>>()
    for await (const { uri } of objects.list(replaysPrefix(layout))) {
      const batch = uri.slice(0, uri.lastIndexOf('/'))
      listed.set(batch, (listed.get(batch) ?? new Set()).add(uri))
    }
    return new ReplayClaims(objects, layout, listed)
  }

  /** The claims of a batch, oldest first. */
  async of(batch: ClaimedBatch): Promise<readonly ReplayClaim[]> {
    const uris = this.#namesOf(batch)
    const claims: ReplayClaim[] = []
    for (let number = 0; uris.has(this.#uri(batch, number, 'claimed')); number++) {
      const content = await this.#read<ClaimContent>(this.#uri(batch, number, 'claimed'))
      const doneUri = this.#uri(batch, number, 'done')
      const done = uris.has(doneUri)
        ? (await this.#read<{ done: readonly string[] }>(doneUri)).done
        : undefined
      claims.push({ number, ...content, ...(done === undefined ? {} : { done }) })
    }
    return claims
  }

  /**
   * Claims rows that no claim has; undefined if another replay was quicker, or if it was ourselves and the answer was
   * lost: then there is a claim to read first.
   */
  async claim(batch: ClaimedBatch, content: ClaimContent): Promise<ReplayClaim | undefined> {
    let number = 0
    while (this.#namesOf(batch).has(this.#uri(batch, number, 'claimed'))) number++
    const outcome = await this.#create(batch, this.#uri(batch, number, 'claimed'), content)
    return outcome === 'created' ? { number, ...content } : undefined
  }

  /** Notes what was taken care of: of two who finish one claim, the first decides. */
  async finish(batch: ClaimedBatch, claim: ReplayClaim, done: readonly string[]): Promise<void> {
    await this.#create(batch, this.#uri(batch, claim.number, 'done'), { done })
  }

  async #create(batch: ClaimedBatch, uri: string, content: object): Promise<'created' | 'exists'> {
    const body = Buffer.from(JSON.stringify({ version: VERSION, ...content }))
    const outcome = await this.#objects.putIfAbsent(uri, body, { contentType: 'application/json' })
    this.#namesOf(batch).add(uri)
    return outcome
  }

  #namesOf(batch: ClaimedBatch): Set<string> {
    const uri = this.#uri(batch, 0, 'claimed')
    const key = uri.slice(0, uri.lastIndexOf('/'))
    const names = this.#listed.get(key) ?? new Set<string>()
    this.#listed.set(key, names)
    return names
  }

  #uri({ shard, last }: ClaimedBatch, number: number, step: 'claimed' | 'done'): string {
    return replayUri(this.#layout, shard, last, number, step)
  }

  async #read<Content>(uri: string): Promise<Content> {
    const { version, ...content } = JSON.parse(
      Buffer.from(await this.#objects.get(uri)).toString('utf8'),
    )
    if (version === VERSION) return content as Content
    throw new PlatformError('replay.unreadable', `replay ${uri} has version ${version}`)
  }
}
