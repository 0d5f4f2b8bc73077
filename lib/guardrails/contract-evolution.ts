import { compareContracts } from '#lib/domain/contract/compatibility.ts'
import type { ContractSource } from '#lib/domain/contract/contract-source.ts'
import { changeLines, explainComparison } from '#lib/domain/contract/explain-comparison.ts'
import { majorOf } from '#lib/domain/contract/version.ts'

/**
 * Refuses a product whose versions of one major are not compatible, each with the one before it: they share a table,
 * and producers of the older ones go on sending. `sources` are the product's, oldest first.
 */
export function refuseBreakingChange(sources: readonly ContractSource[]): void {
  for (const [index, after] of sources.entries()) {
    const before = sources[index - 1]
    if (before === undefined) continue
    if (majorOf(before.contract.version) !== majorOf(after.contract.version)) continue
    const comparison = compareContracts(before, after)
    if (comparison.versionProblem === undefined) continue
    const lines = explainComparison(comparison, before, after)
      .filter((change) => change.breaking)
      .flatMap(changeLines)
    throw new Error([`${after.file}: ${comparison.versionProblem}`, ...lines].join('\n'))
  }
}
