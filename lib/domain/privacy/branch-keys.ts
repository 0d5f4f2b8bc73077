import { createSecretKey, type KeyObject } from 'node:crypto'
import type { Clock } from '#lib/domain/kernel/clock.ts'
import { PlatformError } from '#lib/domain/kernel/errors.ts'
import type { KeyTable, KeyWrapper } from './key-table.ts'

export interface BranchKeysDependencies {
  readonly table: Pick<KeyTable, 'branch' | 'createBranch'>
  readonly wrapper: KeyWrapper
  readonly clock: Clock
  /** The cell, for the log of KMS. */
  readonly cell: string
  /**
   * For how long a key is used after KMS gave it out.
   * @default 300
   */
  readonly cacheSeconds?: number
}

const MS_PER_SECOND = 1000
/** Each month new people's keys are wrapped by another key. */
const MONTH_DIGITS = 'YYYY-MM'.length

/**
 * The few keys between KMS and the keys of people: KMS is asked once per key, process and time limit, however many
 * people there are.
 */
export class BranchKeys {
  readonly #deps: BranchKeysDependencies
  readonly #kept = new Map<string, { readonly key: KeyObject; readonly untilMs: number }>()

  constructor(deps: BranchKeysDependencies) {
    this.#deps = deps
  }

  /** The key that wraps those of new people now. Made, once in the cell, where it is missing. */
  async current(): Promise<{ readonly id: string; readonly key: KeyObject }> {
    const { clock, table, wrapper } = this.#deps
    const id = new Date(clock.nowMs()).toISOString().slice(0, MONTH_DIGITS)
    const kept = this.#keptKey(id)
    if (kept !== undefined) return { id, key: kept }
    const known = await table.branch(id)
    if (known !== undefined) return { id, key: await this.#unwrapped(id, known.wrapped) }
    const { plaintext, wrapped } = await wrapper.generate(this.#context(id))
    const inForce = await table.createBranch({ id, wrapped })
    // Another process may have been first: then its key is the branch's, and ours nobody's.
    if (Buffer.compare(inForce.wrapped, wrapped) !== 0) {
      return { id, key: await this.#unwrapped(id, inForce.wrapped) }
    }
    return { id, key: this.#keep(id, plaintext) }
  }

  /** The key that wrapped something. Throws `privacy.branchUnknown` if there is none. */
  async byId(id: string): Promise<KeyObject> {
    const kept = this.#keptKey(id)
    if (kept !== undefined) return kept
    const known = await this.#deps.table.branch(id)
    if (known === undefined) {
      throw new PlatformError(
        'privacy.branchUnknown',
        `branch key ${id} is not in the cell's key table: what it wraps cannot be read`,
        { context: { branch: id } },
      )
    }
    return this.#unwrapped(id, known.wrapped)
  }

  async #unwrapped(id: string, wrapped: Uint8Array): Promise<KeyObject> {
    return this.#keep(id, await this.#deps.wrapper.unwrap(wrapped, this.#context(id)))
  }

  #context(id: string) {
    return { cell: this.#deps.cell, purpose: 'branch', version: id }
  }

  #keptKey(id: string): KeyObject | undefined {
    const kept = this.#kept.get(id)
    if (kept === undefined || kept.untilMs <= this.#deps.clock.nowMs()) return undefined
    return kept.key
  }

  #keep(id: string, bytes: Uint8Array): KeyObject {
    const { cacheSeconds = 300, clock } = this.#deps
    const key = createSecretKey(bytes)
    bytes.fill(0)
    this.#kept.set(id, { key, untilMs: clock.nowMs() + cacheSeconds * MS_PER_SECOND })
    return key
  }
}
