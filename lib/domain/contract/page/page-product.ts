import type { ViewDefinition } from '#lib/domain/process/view.ts'
import type { ContractSource } from '../contract-source.ts'

/** What a contract page is made from. */
export interface PageProduct {
  readonly name: string
  /** Contracts with their documents, newest last. */
  readonly sources: readonly Pick<ContractSource, 'contract' | 'document'>[]
  readonly views: readonly ViewDefinition[]
}
