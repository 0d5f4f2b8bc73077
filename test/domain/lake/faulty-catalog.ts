import { PlatformError } from '#lib/domain/kernel/errors.ts'
import type {
  Catalog,
  CatalogEntry,
  CreateInput,
  SwapInput,
  TableName,
} from '#lib/domain/lake/catalog.ts'

/** What may become of one create or swap. */
export type Outcome =
  | 'applied'
  /** Applied, but the answer never arrives. */
  | 'answer lost'
  /** No answer, and not applied yet: it lands at any later time. */
  | 'applied late'
  /** No answer, and it never lands. */
  | 'never applied'
  /** Applied; the client repeats it after a lost answer and meets its own success. */
  | 'repeated'

export const OUTCOMES: readonly Outcome[] = [
  'applied',
  'answer lost',
  'applied late',
  'never applied',
  'repeated',
]

/** A catalog whose writes meet the planned outcomes in turn; beyond the plan all goes well. */
export class FaultyCatalog implements Catalog {
  /** Writes that are still on their way. */
  readonly late: (() => Promise<void>)[] = []
  readonly #inner: Catalog
  readonly #plan: Outcome[]

  constructor(inner: Catalog, plan: readonly Outcome[]) {
    this.#inner = inner
    this.#plan = [...plan]
  }

  load(table: TableName): Promise<CatalogEntry | undefined> {
    return this.#inner.load(table)
  }

  create(table: TableName, input: CreateInput): Promise<void> {
    return this.#meet(() => this.#inner.create(table, input))
  }

  swap(table: TableName, input: SwapInput): Promise<void> {
    return this.#meet(() => this.#inner.swap(table, input))
  }

  /** Lets everything land that is still on its way. */
  async land(): Promise<void> {
    for (const write of this.late.splice(0)) await write()
  }

  async #meet(write: () => Promise<void>): Promise<void> {
    const outcome = this.#plan.shift() ?? 'applied'
    switch (outcome) {
      case 'applied':
        return await write()
      case 'repeated':
        await write()
        return await write()
      case 'answer lost':
        await write().catch(() => {})
        throw unknown()
      case 'applied late':
        this.late.push(() => write().catch(() => {}))
        throw unknown()
      case 'never applied':
        throw unknown()
    }
  }
}

function unknown(): PlatformError {
  return new PlatformError('lake.commitStateUnknown', 'no answer', { retryable: true })
}
