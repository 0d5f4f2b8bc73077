import type { PaneState } from '#lib/domain/features/batch/batch-states.ts'
import type { Micros } from '#lib/domain/kernel/time.ts'
import type { Buffer } from './publications.ts'

/** Where a view's result for a key stands. */
export interface BufferKey {
  readonly buffer: Buffer
  /** The view's state name. */
  readonly view: string
  readonly key: string
}

/** A view's result for a key as of a cut. */
export interface BufferItem extends BufferKey {
  /** Of the publication that it belongs to. */
  readonly version: number
  /** Rows of event time before this are in it. */
  readonly cut: Micros
  readonly computedAtMs: number
  /** What later events are merged with; none for views that are served without them. */
  readonly panes: readonly PaneState[]
  /** The newest window before the cut; null for a running total. */
  readonly window: { readonly start: Micros; readonly end: Micros } | null
  /** Its finished values as JSON, by aggregate. */
  readonly values: string
  /** From then on it is as if it were not there, whether it has been removed or not. */
  readonly expiresAtMs: number
}

/** What was counted once everything of a version was written. */
export interface BufferSeal {
  readonly view: string
  readonly buffer: Buffer
  readonly version: number
  /** `filling`: somebody has begun to overwrite what was there. */
  readonly state: 'filling' | 'whole'
  readonly keys: number
  readonly checksum: string
}

/** The buffers of a product's views. */
export interface FeatureBuffers {
  /**
   * Writes each item unless one of a newer version stands there; false for those. A repeat of what is there is no harm.
   * Some may be written if it throws.
   */
  write(items: readonly BufferItem[]): Promise<readonly boolean[]>
  /** Those that are there, in any order; asked for at once, they cost about one read for all views of a key. */
  read(
    keys: readonly BufferKey[],
    options: { readonly consistent: boolean },
  ): Promise<readonly BufferItem[]>
  /** Strongly consistent. */
  seal(view: string, buffer: Buffer): Promise<BufferSeal | undefined>
  /** False if one of a newer version stands there. */
  putSeal(seal: BufferSeal): Promise<boolean>
}
