import type { Clock } from '#lib/domain/kernel/clock.ts'
import { PlatformError } from '#lib/domain/kernel/errors.ts'
import type { Micros } from '#lib/domain/kernel/time.ts'
import { POINTER_LIFETIME_MS } from '../pointer-lifetime.ts'
import type { BufferItem, FeatureBuffers } from './feature-buffers.ts'
import {
  NO_PUBLICATIONS,
  type Publication,
  type PublicationStore,
  type Publications,
} from './publications.ts'

/** A key of a view that somebody wants to know of. */
export interface WantedKey {
  /** The view's state name. */
  readonly view: string
  /** What its states mean to the one who asks. */
  readonly definition: string
  readonly key: string
}

/** What a publication says of a key. */
export interface PublishedKey {
  readonly publication: Publication
  /** Undefined for a key that had no history before the cut, or one whose result has expired. */
  readonly item: BufferItem | undefined
}

/** Between a write of the pointer and a reader that has just read the old one lie no more than this many changes. */
const ATTEMPTS = 4

/**
 * Reads what was published last. All of an answer is of one publication of its view: an item of a newer one shows that the
 * pointer is out of date, and it is read again.
 */
export class PublishedFeatures {
  readonly #store: PublicationStore
  readonly #buffers: FeatureBuffers
  readonly #clock: Clock
  #known: { readonly publications: Publications; readonly readAtMs: number } | undefined
  /** Publications whose buffer was found whole. */
  readonly #whole = new Set<string>()

  constructor(deps: {
    readonly store: PublicationStore
    readonly buffers: FeatureBuffers
    readonly clock: Clock
  }) {
    this.#store = deps.store
    this.#buffers = deps.buffers
    this.#clock = deps.clock
  }

  /**
   * In the order asked for; undefined where nothing is published that this definition can read, or nothing as early as
   * `at`. Throws `features.bufferMissing` if neither what is pointed to is there nor what was published before.
   */
  async read(
    wanted: readonly WantedKey[],
    at: Micros,
  ): Promise<readonly (PublishedKey | undefined)[]> {
    for (let attempt = 1; ; attempt++) {
      const publications = await this.#publications(attempt > 1)
      const chosen = await Promise.all(
        wanted.map(async (one) => ({
          ...one,
          publication: await this.#chosen(publications, one, at),
        })),
      )
      const keys = chosen.flatMap(({ view, key, publication }) =>
        publication === undefined ? [] : [{ view, key, buffer: publication.buffer }],
      )
      const items = keys.length === 0 ? [] : await this.#buffers.read(keys, { consistent: false })
      const found = new Map(items.map((item) => [idOf(item), item]))
      const answers = chosen.map(({ view, key, publication }) => {
        if (publication === undefined) return undefined
        return { publication, item: found.get(idOf({ view, key, buffer: publication.buffer })) }
      })
      const isOutdated = answers.some(
        (one) => one?.item !== undefined && one.item.version > one.publication.version,
      )
      if (!isOutdated) return answers.map((one) => this.#valid(one))
      if (attempt < ATTEMPTS) continue
      throw new PlatformError(
        'features.contended',
        'the features asked for are published faster than they can be read: try again',
        { retryable: true },
      )
    }
  }

  /** An item of an older version was left by a run before, one that has expired by DynamoDB, which removes it late. */
  #valid(answer: PublishedKey | undefined): PublishedKey | undefined {
    const item = answer?.item
    if (answer === undefined || item === undefined) return answer
    const isOf = item.version === answer.publication.version
    if (isOf && item.expiresAtMs > this.#clock.nowMs()) return answer
    return { ...answer, item: undefined }
  }

  async #publications(isOutdated: boolean): Promise<Publications> {
    // The time before the read: what was true then is believed for the lifetime and no longer.
    const readAtMs = this.#clock.nowMs()
    const isRecent =
      this.#known !== undefined && readAtMs - this.#known.readAtMs < POINTER_LIFETIME_MS
    if (isRecent && !isOutdated) return this.#known!.publications
    const publications = (await this.#store.load())?.publications ?? NO_PUBLICATIONS
    this.#known = { publications, readAtMs }
    return publications
  }

  async #chosen(
    { byView }: Publications,
    { view, definition }: WantedKey,
    at: Micros,
  ): Promise<Publication | undefined> {
    const { live, previous } = byView[view] ?? {}
    if (live === undefined) return undefined
    const isReadable = (one: Publication) => one.definition === definition && one.cut <= at
    if (!isReadable(live)) return undefined
    if (await this.#isWhole(view, live)) return live
    // Somebody has removed the buffer behind everybody's back. The one before is old, but right for its cut.
    if (previous !== undefined && isReadable(previous) && (await this.#isWhole(view, previous))) {
      return previous
    }
    throw new PlatformError(
      'features.bufferMissing',
      `${view}: publication ${live.version} points to buffer ${live.buffer}, which is not there: publish again with \`weir features publish\``,
      { context: { view, version: live.version } },
    )
  }

  async #isWhole(view: string, { buffer, version }: Publication): Promise<boolean> {
    const id = `${buffer}/${version}/${view}`
    if (this.#whole.has(id)) return true
    const seal = await this.#buffers.seal(view, buffer)
    // A newer one is being written there: the pointer is out of date, which the items will show.
    const isThere =
      seal !== undefined &&
      (seal.version > version || (seal.version === version && seal.state === 'whole'))
    if (isThere && seal.version === version) this.#whole.add(id)
    return isThere
  }
}

function idOf({ view, key, buffer }: Pick<BufferItem, 'view' | 'key' | 'buffer'>): string {
  return JSON.stringify([buffer, key, view])
}
