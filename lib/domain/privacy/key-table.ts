/**
 * The key of one person in one cell. The person is named by a keyed hash, so that who reads the table learns nobody's
 * name from it.
 */
export interface SubjectRecord {
  /** Keyed hash of whom it is. */
  readonly lookup: string
  /** Stands for the person wherever events are stored; random, so that it means nothing once this record is gone. */
  readonly token: string
  /** Of the key, from 1. */
  readonly version: number
  /** The branch key that wraps it. */
  readonly branch: string
  readonly wrapped: Uint8Array
}

/** What is left of a person who was erased: so that nobody makes a key for them again. */
export interface Tombstone {
  readonly lookup: string
  readonly erasedAt: string
}

export type SubjectState = SubjectRecord | Tombstone

export function isErased(state: SubjectState): state is Tombstone {
  return 'erasedAt' in state
}

/** A branch key as the cell's KMS key wraps it. */
export interface BranchRecord {
  readonly id: string
  readonly wrapped: Uint8Array
}

/**
 * The keys of one cell. Every read is consistent: a stale one would make a second key for a person, or use one that was
 * destroyed. Fails, retryable, where the store does.
 */
export interface KeyTable {
  /** Those of the people asked for that there are. */
  subjects(lookups: readonly string[]): Promise<readonly SubjectState[]>
  /** Creates the record if there is nothing of this person; returns what is in force then. */
  createSubject(record: SubjectRecord): Promise<SubjectState>
  /** The person whom a token stands for; undefined once they are erased. */
  lookupOf(token: string): Promise<string | undefined>
  branch(id: string): Promise<BranchRecord | undefined>
  /** Creates it if absent; returns what is in force then. */
  createBranch(record: BranchRecord): Promise<BranchRecord>
  /**
   * Destroys the key of a person, known or not, and leaves a tombstone; returns what was there before. A tombstone stays
   * as it is.
   */
  erase(tombstone: Tombstone): Promise<SubjectState | undefined>
}

/** The cell's key in KMS, of which nobody has the bytes. Fails, retryable, where KMS does. */
export interface KeyWrapper {
  /** A new key of 32 bytes, and itself wrapped. The context is logged in the clear: never a person. */
  generate(
    context: KeyContext,
  ): Promise<{ readonly plaintext: Uint8Array; readonly wrapped: Uint8Array }>
  /** Fails for another context than it was wrapped with. */
  unwrap(wrapped: Uint8Array, context: KeyContext): Promise<Uint8Array>
}

export type KeyContext = Readonly<Record<string, string>>

/** So many bytes that nobody can predict. */
export type RandomBytes = (count: number) => Uint8Array
