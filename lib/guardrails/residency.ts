import type { Contract } from '#lib/domain/contract/contract.ts'
import type { Cell } from '#lib/topology/topology.ts'

/** Refuses a cell in a region where the product's data may not lie: whatever a cell keeps, it keeps in its region. */
export function checkResidency(contract: Contract, file: string, cells: readonly Cell[]): void {
  const { product, residency } = contract
  if (residency === undefined) return
  const isAllowed = (region: string) =>
    residency.some((place) => region === place || region.startsWith(`${place}-`))
  const outside = cells.filter((cell) => !isAllowed(cell.region))
  if (outside.length === 0) return
  const names = outside.map((cell) => `"${cell.name}" (${cell.region})`).join(', ')
  throw new Error(
    `${file}: data of product "${product}" may lie in ${residency.join(', ')}, not in cell ${names}: deploy the product without that cell, or change weir.residency`,
  )
}
