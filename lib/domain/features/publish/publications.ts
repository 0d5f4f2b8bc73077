import type { Micros } from '#lib/domain/kernel/time.ts'

/** Each view has two buffers: one is read, the other is written. */
export type Buffer = 'a' | 'b'

/** Which results of a product's views readers get. One document, replaced as a whole and only as it was read. */
export interface Publications {
  /** By the view's state name. */
  readonly byView: Readonly<Record<string, ViewPublications>>
}

export interface ViewPublications {
  /** Of all that were begun: each has a number of its own, also those that nobody has seen. */
  readonly lastVersion: number
  /** What readers get; absent before the first. */
  readonly live?: Publication
  /** What can be put back: it stands in the other buffer until that is written again. */
  readonly previous?: Publication
  /** Who writes the other buffer. */
  readonly building?: Building
}

/** The results of one run, whole in one buffer. */
export interface Publication {
  readonly buffer: Buffer
  /** Every item of it carries this. */
  readonly version: number
  /** What its states mean. */
  readonly definition: string
  /** Rows of event time before this are in it. */
  readonly cut: Micros
  readonly keys: number
  readonly checksum: string
  /** The snapshot of the curated table that it was computed from; null if there was none. */
  readonly snapshotId: string | null
  readonly publishedAtMs: number
  readonly run: string
  /** Who began the run. */
  readonly by: string
}

export interface Building {
  readonly run: string
  readonly version: number
  readonly buffer: Buffer
  readonly beganAtMs: number
  readonly by: string
}

/** The document and how often it was replaced. */
export interface StoredPublications {
  readonly publications: Publications
  readonly revision: number
}

/** Where a product's publications are written down: beside the buffers, in the same cell. */
export interface PublicationStore {
  /** Undefined as long as nobody has begun any. Strongly consistent. */
  load(): Promise<StoredPublications | undefined>
  /**
   * Replaces the document if it still has the revision it was read with (undefined: is still absent). False: someone
   * else wrote, or this very call did before; read again and decide again.
   */
  save(publications: Publications, revisionRead: number | undefined): Promise<boolean>
}

export const NO_PUBLICATIONS: Publications = { byView: {} }

export function otherBuffer(live: Publication | undefined): Buffer {
  return live?.buffer === 'a' ? 'b' : 'a'
}
