import type { Contract } from '#lib/domain/contract/contract.ts'
import { aggregateOf } from './aggregates/aggregate-of.ts'
import { rowsOfView, type ViewDefinition } from './view.ts'

/**
 * The stored columns that a view's rows are made of: key, what is aggregated, what derived columns and filter name. Event
 * time is not among them unless one of these asks for it.
 *
 * @param besides others that the caller wants, too
 */
export function storedColumnsOf(
  view: ViewDefinition,
  contract: Contract,
  besides: readonly string[] = [],
): ReadonlySet<string> {
  const shape = rowsOfView(view, contract)
  const derived = new Set(shape.derived.map(({ name }) => name))
  const aggregated = view.aggregates.flatMap((one) => aggregateOf(one, contract).columns)
  const asked = [view.key, ...aggregated, ...besides].filter((name) => !derived.has(name))
  return new Set([...asked, ...shape.sources])
}
