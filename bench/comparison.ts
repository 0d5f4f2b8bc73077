/** One line of a benchmark: a claim of ours beside somebody else's. */
export interface Comparison {
  readonly name: string
  readonly peer: string
  readonly ours: number
  readonly theirs: number
  /** Above 1 means that we are better, whatever the unit. */
  readonly ratio: number
  readonly unit: string
  /** Whether both gave the same answer before they were compared. */
  readonly equal: boolean
  /** What else belongs to the claim. */
  readonly [fact: string]: unknown
}
