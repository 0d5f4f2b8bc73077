import {
  type BranchRecord,
  isErased,
  type KeyTable,
  type SubjectRecord,
  type SubjectState,
  type Tombstone,
} from '#lib/domain/privacy/key-table.ts'

/** The keys of one cell, in this process. */
export class MemoryKeyTable implements KeyTable {
  readonly #subjects = new Map<string, SubjectState>()
  readonly #tokens = new Map<string, string>()
  readonly #branches = new Map<string, BranchRecord>()

  async subjects(lookups: readonly string[]): Promise<readonly SubjectState[]> {
    return lookups.flatMap((lookup) => this.#subjects.get(lookup) ?? [])
  }

  async createSubject(record: SubjectRecord): Promise<SubjectState> {
    const known = this.#subjects.get(record.lookup)
    if (known !== undefined) return known
    this.#tokens.set(record.token, record.lookup)
    this.#subjects.set(record.lookup, record)
    return record
  }

  async lookupOf(token: string): Promise<string | undefined> {
    return this.#tokens.get(token)
  }

  async branch(id: string): Promise<BranchRecord | undefined> {
    return this.#branches.get(id)
  }

  async createBranch(record: BranchRecord): Promise<BranchRecord> {
    const known = this.#branches.get(record.id)
    if (known !== undefined) return known
    this.#branches.set(record.id, record)
    return record
  }

  async erase(tombstone: Tombstone): Promise<SubjectState | undefined> {
    const before = this.#subjects.get(tombstone.lookup)
    if (before !== undefined && isErased(before)) return before
    this.#subjects.set(tombstone.lookup, tombstone)
    if (before !== undefined) this.#tokens.delete(before.token)
    return before
  }

  /** Everything that it holds, for a search through it. */
  all(): readonly (SubjectState | BranchRecord)[] {
    return [...this.#subjects.values(), ...this.#branches.values()]
  }
}
