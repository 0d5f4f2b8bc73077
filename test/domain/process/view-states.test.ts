import { expect, it } from 'vitest'
import { checkViews } from '#lib/domain/process/check-views.ts'
import type { AggregateDefinition } from '#lib/domain/process/view.ts'
import { fieldOf, productOf } from '#test/support/synth-product.ts'

const { contract } = productOf({
  fields: [
    fieldOf({ name: 'sensor', constraints: { maxLength: 20 } }),
    fieldOf({ id: 11, name: 'note', constraints: { maxLength: 400 } }),
    fieldOf({ id: 12, name: 'read_at', type: { kind: 'timestamp' } }),
  ],
})

function check(...aggregates: readonly AggregateDefinition[]): void {
  checkViews(contract, [
    {
      name: 'readings',
      description: 'Readings by sensor',
      key: 'sensor',
      window: { kind: 'tumbling', sizeSeconds: 60 },
      aggregates,
      freshnessSeconds: 60,
    },
  ])
}

it('refuses a view whose states may become larger than an item', () => {
  const top = { function: 'topk', field: 'note', k: 10 } as const

  expect(() => check({ name: 'top', ...top })).not.toThrow()
  expect(() => check({ name: 'top', ...top, capacity: 200 })).toThrow(
    'sensor_readings: view "readings": its states may take 484063 bytes per key and window, and an item has 380000',
  )
  expect(() => check({ name: 'a', ...top }, { name: 'b', ...top })).toThrow('or make two views')
})

it('refuses what no algebra can be built of', () => {
  expect(() => check({ name: 'x', function: 'sum', field: 'note' })).toThrow(
    expect.objectContaining({ code: 'view.invalid' }),
  )
})
