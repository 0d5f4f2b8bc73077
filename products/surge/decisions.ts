import type { DecisionDefinition } from '#lib/domain/features/decide/decision.ts'
import {
  add,
  divide,
  double,
  fieldsOf,
  firstOf,
  gt,
  isNull,
  literal,
  lt,
  or,
  text,
} from '#lib/domain/features/define/expressions.ts'

const asked = fieldsOf<{ zone: 'long' }>()
const balance = fieldsOf<{
  balance_requests: 'long'
  balance_freed: 'long'
  balance_stale: 'boolean'
  wanted: 'double'
}>()

/** So many taxis are added to both sides: a handful of events does not double a price. */
const SMOOTHING = 3
const FLOOR = 1
const CAP = 3

export const decisions: readonly DecisionDefinition[] = [
  {
    name: 'surge-multiplier',
    description: 'By what a fare is multiplied in a zone, 1 to 3; 1 if nothing recent is known.',
    request: { zone: 'long' },
    features: [{ as: 'balance', view: 'zone-balance', key: text(asked.zone) }],
    derived: [
      {
        name: 'wanted',
        value: divide(
          add(balance.balance_requests, SMOOTHING),
          add(balance.balance_freed, SMOOTHING),
        ),
      },
    ],
    answers: [
      {
        name: 'multiplier',
        value: firstOf(
          [
            [or(balance.balance_stale, isNull(balance.wanted)), double(literal(FLOOR))],
            [lt(balance.wanted, FLOOR), double(literal(FLOOR))],
            [gt(balance.wanted, CAP), double(literal(CAP))],
          ],
          balance.wanted,
        ),
      },
    ],
  },
]
