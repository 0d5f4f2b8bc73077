import { expect, it } from 'vitest'
import { seededRandom } from '#lib/domain/ops/seeded-random.ts'
import { provoking } from './provoking.ts'
import type { Turn } from './scheduler.ts'

const turn = (actor: string, label: string): Turn => ({ actor, label, dueMs: 0, run: () => {} })

/** The order in which these turns are taken, the due ones first in their list. */
function orderOf(seed: number, turns: readonly Turn[]): readonly string[] {
  const choose = provoking(seededRandom(seed), () => 0)
  const due = [...turns]
  const order: string[] = []
  while (due.length > 0) {
    const [taken] = due.splice(choose(due), 1)
    order.push(`${taken!.actor} ${taken!.label}`)
  }
  return order
}

it('a call that writes is sometimes held until another one touches the same, and then comes before or after it', () => {
  const [first, between, second] = [
    turn('a', 'PutItem slots/x'),
    turn('c', 'ListShards'),
    turn('b', 'PutItem slots/x'),
  ]
  const orders = new Set(
    Array.from({ length: 200 }, (_, seed) => orderOf(seed, [first, between, second]).join()),
  )

  expect(orders).toContain('a PutItem slots/x,c ListShards,b PutItem slots/x')
  expect(orders).toContain('c ListShards,a PutItem slots/x,b PutItem slots/x')
  expect(orders).toContain('c ListShards,b PutItem slots/x,a PutItem slots/x')
})

it('every turn is taken, also those that meet nobody', () => {
  const turns = ['PutItem a/1', 'GetItem b/1', 'Query c', 'UpdateTable d'].map((label, at) =>
    turn(`p${at}`, label),
  )

  for (let seed = 0; seed < 50; seed++) {
    expect([...orderOf(seed, turns)].sort()).toEqual(
      turns.map((one) => `${one.actor} ${one.label}`).sort(),
    )
  }
})
