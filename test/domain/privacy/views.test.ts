import { expect, it } from 'vitest'
import { checkViews } from '#lib/domain/process/check-views.ts'
import type { ViewDefinition } from '#lib/domain/process/view.ts'
import { RIDES } from '#test/support/sealed-product.ts'

const view = (changed: object): ViewDefinition =>
  ({
    name: 'rides',
    description: '',
    key: 'rider_id',
    window: { kind: 'tumbling', sizeSeconds: 60 },
    aggregates: [{ name: 'rides', function: 'count' }],
    freshnessSeconds: 60,
    ...changed,
  }) as ViewDefinition

it('a view groups by the token of a person, and counts tokens', () => {
  const aggregates = [{ name: 'people', function: 'distinct', field: 'rider_id' }]

  expect(() => checkViews(RIDES, [view({})])).not.toThrow()
  expect(() => checkViews(RIDES, [view({ aggregates })])).not.toThrow()
})

it('a view that reads what is sealed is refused, with what it may read', () => {
  const aggregates = [{ name: 'names', function: 'distinct', field: 'rider_name' }]

  expect(() => checkViews(RIDES, [view({ aggregates })])).toThrow(
    /aggregate "names" reads a personal field, which is sealed: of those a view can read "rider_id"/,
  )
  expect(() => checkViews(RIDES, [view({ key: 'rider_email' })])).toThrow(/rider_email/)
})
