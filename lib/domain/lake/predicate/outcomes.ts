/** What a predicate may be for rows of which not all is known: any of true, false and unknown. */
export type Outcomes = number

export const TRUE = 1
export const FALSE = 2
export const UNKNOWN = 4
export const ANY: Outcomes = TRUE | FALSE | UNKNOWN

const EACH = [TRUE, FALSE, UNKNOWN] as const

export function negated(outcomes: Outcomes): Outcomes {
  const isTrue = outcomes & FALSE ? TRUE : 0
  const isFalse = outcomes & TRUE ? FALSE : 0
  return isTrue | isFalse | (outcomes & UNKNOWN)
}

/** Of all that hold: false if one is false, unknown if one is unknown. */
export function conjunction(parts: readonly Outcomes[]): Outcomes {
  return parts.reduce((left, right) => combined(left, right, both), TRUE)
}

/** Of one at least that holds. */
export function disjunction(parts: readonly Outcomes[]): Outcomes {
  return negated(conjunction(parts.map(negated)))
}

function both(left: Outcomes, right: Outcomes): Outcomes {
  if (left === FALSE || right === FALSE) return FALSE
  return left === TRUE && right === TRUE ? TRUE : UNKNOWN
}

function combined(
  left: Outcomes,
  right: Outcomes,
  of: (left: Outcomes, right: Outcomes) => Outcomes,
): Outcomes {
  let outcomes = 0
  for (const a of EACH) {
    if ((left & a) === 0) continue
    for (const b of EACH) if (right & b) outcomes |= of(a, b)
  }
  return outcomes
}
