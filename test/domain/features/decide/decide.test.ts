import { describe, expect, it } from 'vitest'
import { loadProduct } from '#lib/adapters/files/product-files.ts'
import { versionsOf } from '#lib/domain/contract/contract-versions.ts'
import {
  type DecisionRequest,
  decide,
  keysOf,
  requestColumns,
} from '#lib/domain/features/decide/decide.ts'
import type { DecisionDefinition } from '#lib/domain/features/decide/decision.ts'
import { typedDecision } from '#lib/domain/features/decide/typed-decision.ts'
import {
  and,
  coalesce,
  divide,
  fieldsOf,
  ge,
  gt,
  text,
} from '#lib/domain/features/define/expressions.ts'
import { viewsOf } from '#lib/domain/features/define/view.ts'
import type { FeatureValues } from '#lib/domain/features/read-features.ts'
import { Decimal } from '#lib/domain/kernel/decimal.ts'
import type { AggregateValue } from '#lib/domain/process/aggregates/aggregate.ts'
import type { TripsFields } from '#products/trips/fields.ts'
import { tripsContract } from '#test/support/memory-cell.ts'

const view = viewsOf<TripsFields>()
const fares = view({
  name: 'fares',
  description: '',
  key: 'pickup_location_id',
  window: { kind: 'tumbling', sizeSeconds: 60 },
  aggregates: {
    trips: { function: 'count' },
    spent: { function: 'sum', field: 'fare_amount' },
    often: { function: 'topk', field: 'payment_type', k: 2 },
  },
  freshnessSeconds: 60,
})
const source = { contracts: versionsOf([await tripsContract()]), views: [fares] }

const asked = fieldsOf<{ zone: 'long'; amount: 'double' }>()
const known = fieldsOf<{ zone_trips: 'long'; zone_spent: 'decimal'; mean: 'double' }>()
const definition: DecisionDefinition = {
  name: 'pay-check',
  description: 'Whether a fare is taken.',
  version: 3,
  request: { zone: 'long', amount: 'double' },
  features: [{ as: 'zone', view: 'fares', key: text(asked.zone) }],
  derived: [{ name: 'mean', value: divide(known.zone_spent, known.zone_trips) }],
  answers: [{ name: 'usual', value: coalesce(known.mean, 0) }],
  rules: {
    outcomes: ['allow', 'review', 'block'],
    of: [
      { name: 'tooMuch', outcome: 'block', when: gt(asked.amount, 100) },
      {
        name: 'aboveUsual',
        outcome: 'review',
        when: and(ge(known.zone_trips, 2), gt(asked.amount, known.mean)),
      },
    ],
  },
}

const values = (named: Record<string, AggregateValue>, stale = false): FeatureValues => ({
  view: 'fares',
  key: '7',
  window: null,
  values: named,
  computedAt: '2026-01-01T00:00:00.000Z',
  stale,
  result: 'provisional',
  source: 'stream',
  generation: 'v1',
})
const usual = values({ trips: 4, spent: new Decimal(5000n, 2), often: [] })

function made(request: DecisionRequest, features = usual, of = definition) {
  return decide(typedDecision(of, source), request, [features])
}

describe('a decision', () => {
  it('is the most severe outcome of the rules that hold, which are its reasons', () => {
    const outcomes = [5, 20, 200].map((amount) => {
      const { outcome, reasons } = made({ zone: 7, amount })
      return [outcome, reasons]
    })

    expect(outcomes).toEqual([
      ['allow', []],
      ['review', ['aboveUsual']],
      ['block', ['tooMuch', 'aboveUsual']],
    ])
  })

  it('names its version, what it answers and the values that it was made of', () => {
    expect(made({ zone: 7, amount: 5 })).toEqual({
      decision: 'pay-check',
      version: 3,
      request: { zone: 7, amount: 5 },
      answers: { usual: 12.5 },
      outcome: 'allow',
      reasons: [],
      stale: false,
      features: {
        zone: {
          view: 'fares',
          key: '7',
          values: usual.values,
          computedAt: usual.computedAt,
          stale: false,
          source: 'stream',
        },
      },
    })
  })

  it('takes no rule for true of what is not known, and says that it is stale', () => {
    const nothing = values({ trips: 0, spent: null, often: null }, true)

    const { outcome, answers, stale } = made({ zone: 7, amount: 50 }, nothing)

    expect([outcome, answers, stale]).toEqual(['allow', { usual: 0 }, true])
  })

  it('takes a fallback of a decimal as that decimal', () => {
    const { answers } = made({ zone: 7, amount: 5 }, values({ trips: 2, spent: 3.5, often: null }))

    expect(answers).toEqual({ usual: 1.75 })
  })

  it('asks for the keys that the request gives', () => {
    const decision = typedDecision(definition, source)

    expect(keysOf(decision, requestColumns(decision, { zone: 236, amount: 1 }))).toEqual(['236'])
  })

  it.each([
    [{ zone: 7 }, 'pay-check: "amount" is a number'],
    [{ zone: 7.5, amount: 1 }, 'pay-check: "zone" is a whole number'],
    [{ zone: '7', amount: 1 }, 'pay-check: "zone" is a whole number'],
    [{ zone: 7, amount: 1, more: 1 }, 'pay-check: "more" is no part of the request'],
  ])('refuses the request %j', (request, message) => {
    const decision = typedDecision(definition, source)

    expect(() => requestColumns(decision, request)).toThrow(
      expect.objectContaining({ code: 'decision.badRequest', message }),
    )
  })

  it.each<[Partial<DecisionDefinition>, string]>([
    [{ name: 'Pay' }, 'use a name like "surge-multiplier"'],
    [{ version: 0 }, 'the version is a whole number from 1'],
    [
      { request: { zone: 'int' as 'long' } },
      'zone is one of string, boolean, long, double, timestamp, not int',
    ],
    [
      { features: [{ as: 'zone', view: 'none', key: { literal: 1 } }] },
      'zone: there is no view "none"',
    ],
    [
      { features: [{ as: 'zone', view: 'fares', key: { column: 'zip' } }] },
      'zone: "zip" is no field of the contract',
    ],
    [
      { features: [{ as: 'zone', view: 'fares', key: asked.amount }] },
      'zone: a key is a text or a whole number, not a double',
    ],
    [
      { answers: [{ name: 'zone', value: { literal: 1 } }] },
      'there are two columns "zone": rename one',
    ],
    [{ rules: { outcomes: ['allow'], of: [] } }, '"outcomes" names two or more'],
    [
      {
        rules: { outcomes: ['a', 'b'], of: [{ name: 'x', outcome: 'c', when: { literal: true } }] },
      },
      'x: "c" is none of the outcomes',
    ],
    [
      { rules: { outcomes: ['a', 'b'], of: [{ name: 'x', outcome: 'b', when: { literal: 1 } }] } },
      'x: "when" is a condition, not a long',
    ],
  ])('is refused where %j', (change, message) => {
    const of = { ...definition, ...change }

    expect(() => typedDecision(of, source)).toThrow(
      expect.objectContaining({
        code: 'decision.invalid',
        message: expect.stringContaining(message),
      }),
    )
  })
})

describe('the decisions of the products', () => {
  const at = (stale: boolean, named: Record<string, AggregateValue>) => ({
    ...values(named, stale),
  })

  it('multiply a fare by what is wanted beside what is free, between 1 and 3, and by 1 if nothing recent is known', async () => {
    const { decisions, views, sources } = await loadProduct('.', 'surge')
    const surge = typedDecision(decisions[0]!, {
      views,
      contracts: versionsOf(sources.map((one) => one.contract)),
    })
    const multiplier = (requests: number, freed: number, stale = false) =>
      decide(surge, { zone: 7 }, [at(stale, { requests, freed })]).answers.multiplier

    expect([
      multiplier(0, 0),
      multiplier(5, 1),
      multiplier(1, 5),
      multiplier(90, 0),
      multiplier(90, 0, true),
    ]).toEqual([1, 2, 1, 3, 1])
  })

  it('estimate a trip from the narrowest key that has trips, shrunk to the wider ones', async () => {
    const { decisions, views, sources } = await loadProduct('.', 'trips')
    const eta = typedDecision(decisions.find(({ name }) => name === 'eta-estimate')!, {
      views,
      contracts: versionsOf(sources.map((one) => one.contract)),
    })
    const estimate = (...features: [AggregateValue, AggregateValue][]) =>
      decide(
        eta,
        { from: 1, to: 2, miles: 1, departs: '2019-01-15T23:00:00Z' },
        features.map(([trips, historical_delay_score]) =>
          at(false, { trips, historical_delay_score }),
        ),
      ).answers

    expect(estimate([0, null], [0, null], [0, null])).toEqual({ score: 1, seconds: 360 })
    expect(estimate([50, 2], [0, null], [0, null])).toEqual({ score: 2, seconds: 720 })
    expect(estimate([50, 2], [10, 1], [10, 0.5])).toEqual({ score: 1, seconds: 360 })
  })
})
