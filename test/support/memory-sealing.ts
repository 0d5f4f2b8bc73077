import { createHash } from 'node:crypto'
import { MemoryKeyTable } from '#lib/adapters/memory/memory-key-table.ts'
import { MemoryKeyWrapper } from '#lib/adapters/memory/memory-key-wrapper.ts'
import type { Clock } from '#lib/domain/kernel/clock.ts'
import { BranchKeys } from '#lib/domain/privacy/branch-keys.ts'
import type { KeyTable, KeyWrapper, RandomBytes } from '#lib/domain/privacy/key-table.ts'
import type { Sealing } from '#lib/domain/privacy/seal-records.ts'
import { SubjectKeys } from '#lib/domain/privacy/subject-keys.ts'
import { UnknownContent } from '#lib/domain/privacy/unknown-content.ts'

/** Bytes that look random and are the same in every run. */
export function seededBytes(seed: string): RandomBytes {
  let number = 0
  return (count) => {
    const parts: Buffer[] = []
    for (let bytes = 0; bytes < count; bytes += 32) {
      parts.push(createHash('sha256').update(`${seed}/${number++}`).digest())
    }
    return Buffer.concat(parts).subarray(0, count)
  }
}

/** The keys of a cell in memory, and processes that seal with them. */
export class MemorySealing {
  readonly random: RandomBytes
  readonly table = new MemoryKeyTable()
  readonly wrapper: MemoryKeyWrapper
  readonly unknownWrapper: MemoryKeyWrapper
  readonly lookupKey = new Uint8Array(32).fill(7)
  readonly #clock: Clock

  constructor(clock: Clock = { nowMs: () => 0 }, seed = 'sealing') {
    this.#clock = clock
    this.random = seededBytes(seed)
    this.wrapper = new MemoryKeyWrapper(this.random)
    this.unknownWrapper = new MemoryKeyWrapper(this.random)
  }

  /** The keys as a cold process has them. */
  subjects(stores: { table?: KeyTable; wrapper?: KeyWrapper } = {}): SubjectKeys {
    const { table = this.table, wrapper = this.wrapper } = stores
    const clock = this.#clock
    return new SubjectKeys({
      table,
      branches: new BranchKeys({ table, wrapper, clock, cell: 'cell' }),
      lookupKey: this.lookupKey,
      clock,
      random: this.random,
    })
  }

  /** What a cold archive seals with. */
  process(stores: { table?: KeyTable; wrapper?: KeyWrapper } = {}): Sealing {
    return {
      subjects: this.subjects(stores),
      unknown: new UnknownContent({
        wrapper: stores.wrapper ?? this.unknownWrapper,
        clock: this.#clock,
        random: this.random,
        cell: 'cell',
      }),
      random: this.random,
    }
  }
}
