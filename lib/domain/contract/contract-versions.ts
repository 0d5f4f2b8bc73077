import { PlatformError } from '#lib/domain/kernel/errors.ts'
import type { JsonValue } from '#lib/domain/kernel/json.ts'
import { compileContract } from './compile-contract.ts'
import type { Contract } from './contract.ts'

/** The versions of one product's contract that raw objects may name. */
export interface ContractVersions {
  /** The newest: it judges new batches. */
  readonly current: Contract
  /**
   * The version that raw names. Throws `contract.versionUnknown` (retryable: a newer deployment may know it),
   * because judging with another version would give another verdict.
   */
  byVersion(version: string): Contract
}

/** From ODCS documents, newest last. */
export function contractVersions(documents: readonly JsonValue[]): ContractVersions {
  const contracts = documents.map((document) => compileContract(document))
  const current = contracts.at(-1)
  if (current === undefined) {
    throw new PlatformError('contract.none', 'a product needs at least one contract')
  }
  return {
    current,
    byVersion(version) {
      const contract = contracts.find((one) => one.version === version)
      if (contract === undefined) {
        throw new PlatformError(
          'contract.versionUnknown',
          `contract ${current.product} ${version} judged a batch but is not deployed: keep it in past-contracts`,
          { retryable: true, context: { product: current.product, version } },
        )
      }
      return contract
    },
  }
}
