import { createHmac, createSecretKey, type KeyObject } from 'node:crypto'
import type { Clock } from '#lib/domain/kernel/clock.ts'
import { PlatformError } from '#lib/domain/kernel/errors.ts'
import { inParallel } from '#lib/domain/kernel/in-parallel.ts'
import type { BranchKeys } from './branch-keys.ts'
import { NONCE_BYTES, openBytes, sealBytes } from './cipher.ts'
import {
  isErased,
  type KeyTable,
  type RandomBytes,
  type SubjectRecord,
  type SubjectState,
} from './key-table.ts'

/** What a person's values are sealed with, and what stands for them. */
export interface SubjectKey {
  readonly token: string
  readonly version: number
  readonly key: KeyObject
}

export interface SubjectKeysDependencies {
  readonly table: Pick<KeyTable, 'subjects' | 'createSubject'>
  readonly branches: BranchKeys
  /** Of the cell, and known to nothing else: names of people are hashed with it. */
  readonly lookupKey: Uint8Array
  readonly clock: Clock
  readonly random: RandomBytes
  /**
   * For how long a key is used after the table gave it out: an erased person's is gone from every process after that.
   * @default 60
   */
  readonly cacheSeconds?: number
  /** @default 50000 */
  readonly mostKept?: number
}

/** The time after which no process uses a key that was destroyed. */
export const KEY_CACHE_SECONDS = 60
const MOST_KEPT = 50_000
const KEY_BYTES = 32
const TOKEN_BYTES = 16
const CREATIONS_AT_ONCE = 32
const MS_PER_SECOND = 1000

/** The keys of people in one cell: looked up, made where they are missing, and forgotten after a stated time. */
export class SubjectKeys {
  readonly #deps: SubjectKeysDependencies
  readonly #lookupKey: KeyObject
  /** By kind and name of the person; undefined: erased. The oldest first. */
  readonly #kept = new Map<
    string,
    { readonly key: SubjectKey | undefined; readonly untilMs: number }
  >()

  constructor(deps: SubjectKeysDependencies) {
    this.#deps = deps
    this.#lookupKey = createSecretKey(deps.lookupKey)
  }

  /** How the key table names a person: nobody can tell who it is, nor whether somebody is in it, without the key. */
  lookupOf(kind: string, subject: string): string {
    return createHmac('sha256', this.#lookupKey)
      .update(nameOf(kind, subject))
      .digest()
      .toString('base64url')
  }

  /**
   * The keys of these people, in their order, undefined for one who was erased. Whoever has none is given one; of two who
   * do so at once, one wins. Throws, retryable, if the table or KMS does not answer: then nothing must be stored.
   */
  async keysOf(
    kind: string,
    subjects: readonly string[],
  ): Promise<readonly (SubjectKey | undefined)[]> {
    const nowMs = this.#deps.clock.nowMs()
    const known = new Map<string, SubjectKey | undefined>()
    const missing = new Set<string>()
    for (const subject of subjects) {
      const kept = this.#kept.get(nameOf(kind, subject))
      if (kept !== undefined && kept.untilMs > nowMs) known.set(subject, kept.key)
      else missing.add(subject)
    }
    const asked = [...missing]
    const loaded = asked.length === 0 ? [] : await this.#load(kind, asked)
    for (const [i, subject] of asked.entries()) {
      known.set(subject, loaded[i])
      this.#keep(nameOf(kind, subject), loaded[i])
    }
    return subjects.map((subject) => known.get(subject))
  }

  /** The key of a record. Throws `privacy.keyUnreadable` if it is not what was wrapped for this person. */
  async unwrap(record: SubjectRecord): Promise<SubjectKey> {
    const branch = await this.#deps.branches.byId(record.branch)
    const bytes = openBytes(branch, record.wrapped, boundTo(record))
    if (bytes === undefined) {
      throw new PlatformError(
        'privacy.keyUnreadable',
        `a key in the cell's key table is not the one that was put there: restore the table, or find out who changed it`,
        { context: { lookup: record.lookup, branch: record.branch } },
      )
    }
    return { token: record.token, version: record.version, key: secretKey(bytes) }
  }

  async #load(
    kind: string,
    subjects: readonly string[],
  ): Promise<readonly (SubjectKey | undefined)[]> {
    const { table } = this.#deps
    const lookups = subjects.map((subject) => this.lookupOf(kind, subject))
    const states = new Map<string, SubjectState>()
    for (const state of await table.subjects(lookups)) states.set(state.lookup, state)
    return inParallel(lookups, CREATIONS_AT_ONCE, async (lookup) => {
      const state = states.get(lookup) ?? (await this.#create(lookup))
      return isErased(state) ? undefined : this.unwrap(state)
    })
  }

  async #create(lookup: string): Promise<SubjectState> {
    const { branches, random, table } = this.#deps
    const branch = await branches.current()
    const token = Buffer.from(random(TOKEN_BYTES)).toString('base64url')
    const named = { lookup, token, version: 1, branch: branch.id }
    const bytes = random(KEY_BYTES)
    const wrapped = sealBytes(branch.key, random(NONCE_BYTES), bytes, boundTo(named))
    bytes.fill(0)
    return table.createSubject({ ...named, wrapped })
  }

  #keep(name: string, key: SubjectKey | undefined): void {
    const { cacheSeconds = KEY_CACHE_SECONDS, clock, mostKept = MOST_KEPT } = this.#deps
    this.#kept.delete(name)
    this.#kept.set(name, { key, untilMs: clock.nowMs() + cacheSeconds * MS_PER_SECOND })
    const oldest = this.#kept.keys().next().value
    if (this.#kept.size > mostKept && oldest !== undefined) this.#kept.delete(oldest)
  }
}

function nameOf(kind: string, subject: string): string {
  return `${kind}\u0000${subject}`
}

/** A wrapped key cannot be put in another person's place, nor under another token or version. */
function boundTo({ lookup, token, version, branch }: Omit<SubjectRecord, 'wrapped'>): string {
  return JSON.stringify(['weir subject key', lookup, token, version, branch])
}

function secretKey(bytes: Uint8Array): KeyObject {
  const key = createSecretKey(bytes)
  bytes.fill(0)
  return key
}
