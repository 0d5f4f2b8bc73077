/**
 * A value that is computed of one row: SQL's meaning, with null for what is not known. JSON-safe, as the views it stands in.
 * What each operator takes and gives is in `typed-expression.ts`, what it means in `evaluate.ts`, and the same in Trino's
 * words in `../../features/sql`; a test holds the two equal.
 */
export type Expression =
  /** A field of the contract, or a derived one that stands before. */
  | { readonly column: string }
  /** Text, a truth value, a whole number (a long), or any other number (a double). */
  | { readonly literal: string | number | boolean }
  /** An exact decimal by its digits, of as many behind the point as are written: `"1.50"`. */
  | { readonly decimal: string }
  | {
      readonly operator: Arithmetic | Comparison | 'secondsBetween'
      readonly of: readonly [Expression, Expression]
    }
  | { readonly operator: 'and' | 'or' | 'coalesce' | 'concat'; readonly of: readonly Expression[] }
  | { readonly operator: 'not' | 'isNull' | 'text' | 'double'; readonly of: readonly [Expression] }
  /** One of some texts or whole numbers. */
  | {
      readonly operator: 'in'
      readonly of: readonly [Expression]
      readonly values: readonly (string | number)[]
    }
  /** The greatest multiple of a step that is not above it. */
  | { readonly operator: 'floorTo'; readonly of: readonly [Expression]; readonly step: number }
  /** Of a timestamp: the hour of the day, 0 to 23, or the day of the week, Monday 1 to Sunday 7, on a zone's clocks. */
  | {
      readonly operator: 'hour' | 'weekday'
      readonly of: readonly [Expression]
      /** Of the IANA database. @default UTC */
      readonly zone?: string
    }
  /** What stands behind the first condition that is true; without `else` null if none is. */
  | {
      readonly operator: 'case'
      readonly when: readonly { readonly if: Expression; readonly value: Expression }[]
      readonly else?: Expression
    }

/** Whole numbers and decimals exactly, null where the type cannot hold it; `divide` in doubles, null by zero. */
export type Arithmetic = 'add' | 'subtract' | 'multiply' | 'divide'
export type Comparison = 'eq' | 'ne' | 'lt' | 'le' | 'gt' | 'ge'

/** A column that a view computes of each row, and goes on with as if it were a field. */
export interface DerivedColumn {
  /** `[a-z][a-z0-9_]{0,63}`, none of the contract's. */
  readonly name: string
  readonly value: Expression
}
