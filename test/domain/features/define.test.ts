import { describe, expect, it } from 'vitest'
import {
  add,
  concat,
  eq,
  fieldsOf,
  firstOf,
  hour,
  literal,
  text,
} from '#lib/domain/features/define/expressions.ts'
import { viewsOf } from '#lib/domain/features/define/view.ts'
import { checkViews } from '#lib/domain/process/check-views.ts'
import { contractOfView } from '#lib/domain/process/view.ts'
import type { TripsFields } from '#products/trips/fields.ts'
import { tripsContract } from '#test/support/memory-cell.ts'
import { TypeCheck } from '#test/support/type-check.ts'

const contract = await tripsContract()
const trip = fieldsOf<TripsFields>()
const view = viewsOf<TripsFields>()

const HEAD = `
import { add, and, concat, eq, fieldsOf, gt, hour, isIn, multiply, not, text } from '#lib/domain/features/define/expressions.ts'
import { viewsOf } from '#lib/domain/features/define/view.ts'
import type { TripsFields } from '#products/trips/fields.ts'
const trip = fieldsOf<TripsFields>()
const view = viewsOf<TripsFields>()
const rest = { name: 'v', description: '', window: { kind: 'running' }, freshnessSeconds: 1 } as const
`

/** What the compiler says of it, but for imports that this view has no use for. */
function errorsOf(code: string): readonly string[] {
  const file = 'products/made/features.ts'
  return new TypeCheck({ [file]: `${HEAD}\n${code}` })
    .problems(file)
    .filter((problem) => !problem.endsWith('is declared but its value is never read.'))
}

describe('a view in the words of a product', () => {
  it('is what the engine takes, with its columns in their order', () => {
    const route = concat(text(trip.pickup_location_id), '-', text(trip.dropoff_location_id))
    const made = view({
      name: 'route-fares',
      description: 'Fares by route.',
      key: 'route',
      derived: {
        route,
        with_tip: add(trip.fare_amount, trip.tip_amount),
        rush: firstOf(
          [[eq(hour(trip.dropoff_datetime, 'America/New_York'), 8), literal(1)]],
          literal(0),
        ),
      },
      filter: eq(trip.store_and_fwd_flag, 'N'),
      window: { kind: 'tumbling', sizeSeconds: 3600 },
      aggregates: {
        paid: { function: 'sum', field: 'with_tip' },
        trips: { function: 'count' },
      },
      freshnessSeconds: 60,
      whenStale: { fallback: { paid: 0 } },
      owner: 'pricing',
    })

    expect(() =>
      checkViews(contractOfView(made, { current: contract, majors: [contract] } as never), [made]),
    ).not.toThrow()
    expect(made).toMatchObject({
      key: 'route',
      derived: [{ name: 'route' }, { name: 'with_tip' }, { name: 'rush' }],
      filter: { operator: 'eq', of: [{ column: 'store_and_fwd_flag' }, { literal: 'N' }] },
      aggregates: [
        { name: 'paid', function: 'sum', field: 'with_tip' },
        { name: 'trips', function: 'count' },
      ],
    })
    expect(JSON.parse(JSON.stringify(made))).toEqual(made)
  })

  it.each([
    [
      'what is right',
      `view({ ...rest, key: 'vendor_id', filter: and(gt(trip.fare_amount, 0), not(isIn(trip.store_and_fwd_flag, ['Y']))), derived: { twice: multiply(trip.fare_amount, 2) }, aggregates: { n: { function: 'count' }, s: { function: 'sum', field: 'twice' } }, whenStale: { fallback: { s: 0 } } })`,
    ],
  ])('compiles: %s', (_, code) => {
    expect(errorsOf(code)).toEqual([])
  })

  it.each([
    [
      'a key that is no field',
      `view({ ...rest, key: 'vendor', aggregates: { n: { function: 'count' } } })`,
    ],
    [
      'a key that is a time',
      `view({ ...rest, key: 'pickup_datetime', aggregates: { n: { function: 'count' } } })`,
    ],
    [
      'a sum of a text',
      `view({ ...rest, key: 'vendor_id', aggregates: { s: { function: 'sum', field: 'store_and_fwd_flag' } } })`,
    ],
    ['a field that is not there', 'trip.fare'],
    ['an hour of a number', 'hour(trip.fare_amount)'],
    ['a text beside a number', "eq(trip.fare_amount, 'much')"],
    [
      'a number as a condition',
      `view({ ...rest, key: 'vendor_id', filter: trip.fare_amount, aggregates: { n: { function: 'count' } } })`,
    ],
    ['a sum of texts', 'add(trip.store_and_fwd_flag, 1)'],
    ['a number in a text', 'concat(trip.vendor_id)'],
    [
      'a fallback for nothing',
      `view({ ...rest, key: 'vendor_id', aggregates: { n: { function: 'count' } }, whenStale: { fallback: { m: 1 } } })`,
    ],
    [
      'an option of another function',
      `view({ ...rest, key: 'vendor_id', aggregates: { n: { function: 'sum', field: 'fare_amount', q: 0.5 } } })`,
    ],
  ])('does not compile: %s', (_, code) => {
    expect(errorsOf(code)).not.toEqual([])
  })
})
