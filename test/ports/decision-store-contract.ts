import { beforeEach, expect, it } from 'vitest'
import type { DecisionStore, KeptDecision } from '#lib/domain/features/decide/decision-store.ts'
import { Decimal } from '#lib/domain/kernel/decimal.ts'
import { stringifyExact } from '#lib/domain/lake/exact-json.ts'

const LATER_MS = Date.UTC(2100, 0, 1)

/** What every store of decisions promises; run on each adapter. `create` gives an empty one. */
export function decisionStoreContract(create: () => Promise<DecisionStore>): void {
  let store: DecisionStore
  beforeEach(async () => {
    store = await create()
  })

  const made = (id: string, outcome: string, decision = 'check'): KeptDecision => ({
    decision,
    version: 2,
    id,
    decidedAt: '2026-01-01T00:00:00.000Z',
    request: { card: 'ä"#' },
    answers: { score: 0.5, what: null },
    outcome,
    reasons: ['tooMany'],
    stale: false,
    features: {
      card: {
        view: 'cards',
        key: 'ä"#',
        values: { spent: new Decimal(123456789012345678n, 2) },
        computedAt: null,
        stale: false,
        source: 'stream',
      },
    },
  })

  it('keeps the first decision of a request, to the last digit, and answers it to whoever comes later', async () => {
    const first = made('r-1', 'block')
    expect(await store.keep(first, LATER_MS)).toEqual(first)

    const again = await store.keep(made('r-1', 'allow'), LATER_MS)

    expect(stringifyExact(again)).toBe(stringifyExact(first))
  })

  it('tells decisions and requests apart', async () => {
    await store.keep(made('r-1', 'block'), LATER_MS)

    expect((await store.keep(made('r-2', 'allow'), LATER_MS)).outcome).toBe('allow')
    expect((await store.keep(made('r-1', 'allow', 'other'), LATER_MS)).outcome).toBe('allow')
  })

  it('lets one of many win', async () => {
    const kept = await Promise.all(
      ['a', 'b', 'c', 'd'].map((outcome) => store.keep(made('r-1', outcome), LATER_MS)),
    )

    expect(new Set(kept.map(({ outcome }) => outcome)).size).toBe(1)
  })
}
