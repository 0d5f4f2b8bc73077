import type { DerivedColumn, Expression } from '#lib/domain/process/expressions/expression.ts'

/**
 * What is answered to a request from features: a price, an estimate, yes or no. JSON-safe, because it is bundled beside the
 * function that serves it.
 */
export interface DecisionDefinition {
  /** `[a-z][a-z0-9-]{0,47}`, unique in the cell: `decide` finds the decision by it. */
  readonly name: string
  readonly description: string
  /** Of the definition; every answer names it. @default 1 */
  readonly version?: number
  /** The product whose views are read. @default that of the folder */
  readonly source?: string
  /** What a request says. All of it is required. */
  readonly request: Readonly<Record<string, RequestKind>>
  /** Features that are read for a request. Their values are columns named `<as>_<aggregate>`, and `<as>_stale`. */
  readonly features: readonly FeatureOfDecision[]
  /** Columns that are computed first; those behind may name them. */
  readonly derived?: readonly DerivedColumn[]
  /** What the answer says. */
  readonly answers: readonly DerivedColumn[]
  readonly rules?: DecisionRules
  /** Keeps each decision, so that a request that comes twice gets the same answer, and sends it to a product's stream. */
  readonly log?: DecisionLog
}

export type RequestKind = 'string' | 'boolean' | 'long' | 'double' | 'timestamp'

export interface FeatureOfDecision {
  readonly as: string
  readonly view: string
  /** A text, or a whole number. */
  readonly key: Expression
}

export interface DecisionRules {
  /** From the mildest, which is the outcome where no rule holds, to the most severe. */
  readonly outcomes: readonly string[]
  /** Those that hold are the reasons; the most severe of them is the outcome. What is not known does not hold. */
  readonly of: readonly DecisionRule[]
}

export interface DecisionRule {
  /** The reason, such as `tooManyZones`. */
  readonly name: string
  readonly outcome: string
  readonly when: Expression
}

export interface DecisionLog {
  /** The product whose contract has the columns of a decision. */
  readonly product: string
  /** CloudEvents `source` of the decisions. */
  readonly source: string
  /** How long a request is remembered: at least as long as the product's dedup horizon. */
  readonly rememberSeconds: number
}
