import type { AggregateDefinition } from '#lib/domain/process/view.ts'
import type { Reading } from './readings.ts'

/** A group's value as row-by-row code finds it; a list is compared as JSON. */
export type Truth = number | string | readonly unknown[]

export interface Case {
  readonly definition: AggregateDefinition
  /** Per group. */
  truth(rows: readonly Reading[], groups: number): Truth[]
}

const amount = (row: Reading) => row.amount
const count = (row: Reading) => row.count
const speed = (row: Reading) => row.speed
const device = (row: Reading) => row.device
const dollars = (cents: bigint) => Number(cents) / 100

export const CASES: readonly Case[] = [
  { definition: { name: 'x', function: 'count' }, truth: grouped(count, (all) => all.length) },
  { definition: numeric('sum', 'count'), truth: grouped(count, total) },
  { definition: numeric('sum', 'amount'), truth: grouped(amount, (all) => dollars(sum(all))) },
  { definition: numeric('sum', 'speed'), truth: grouped(speed, total) },
  {
    definition: numeric('mean', 'amount'),
    truth: grouped(amount, (all) => dollars(sum(all)) / all.length),
  },
  { definition: numeric('min', 'count'), truth: grouped(count, (all) => Math.min(...all)) },
  {
    definition: numeric('max', 'amount'),
    truth: grouped(amount, (all) => dollars(all.reduce((a, b) => (a > b ? a : b)))),
  },
  { definition: numeric('max', 'device'), truth: grouped(device, (all) => all.sort().at(-1)!) },
  { definition: variance('count'), truth: grouped(count, welford) },
  { definition: variance('amount'), truth: grouped(amount, (all) => welford(all.map(dollars))) },
  { definition: variance('speed'), truth: grouped(speed, welford) },
  {
    definition: { name: 'x', function: 'distinct', field: 'amount' },
    truth: grouped(amount, (all) => new Set(all).size),
  },
  {
    definition: { name: 'x', function: 'distinct', field: 'device' },
    truth: grouped(device, (all) => new Set(all).size),
  },
  { definition: median('amount'), truth: grouped(amount, (all) => middle(all.map(dollars))) },
  { definition: median('speed'), truth: grouped(speed, middle) },
  { definition: { name: 'x', function: 'topk', field: 'count', k: 3 }, truth: grouped(count, top) },
  {
    definition: { name: 'x', function: 'topk', field: 'device', k: 3, capacity: 1000 },
    truth: grouped(device, top),
  },
  {
    definition: { name: 'x', function: 'last', field: 'device' },
    truth: grouped(
      (row) => row,
      (all) => all.reduce((a, b) => (a.at > b.at ? a : b)).device,
    ),
  },
]

function numeric(name: 'sum' | 'mean' | 'min' | 'max', field: string): AggregateDefinition {
  return { name: 'x', function: name, field }
}

function variance(field: string): AggregateDefinition {
  return { name: 'x', function: 'variance', field, of: 'sample' }
}

function median(field: string): AggregateDefinition {
  return { name: 'x', function: 'quantile', field, q: 0.5 }
}

function grouped<V>(pick: (row: Reading) => V, finish: (values: V[]) => Truth): Case['truth'] {
  return (rows, groups) => {
    const values = new Map<number, V[]>()
    for (const row of rows) {
      const list = values.get(row.group)
      if (list === undefined) values.set(row.group, [pick(row)])
      else list.push(pick(row))
    }
    return Array.from({ length: groups }, (_, group) => finish(values.get(group) ?? []))
  }
}

function sum(values: readonly bigint[]): bigint {
  return values.reduce((total, value) => total + value, 0n)
}

function total(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}

function welford(values: readonly number[]): number {
  let mean = 0
  let squares = 0
  values.forEach((value, at) => {
    const distance = value - mean
    mean += distance / (at + 1)
    squares += distance * (value - mean)
  })
  return squares / (values.length - 1)
}

function middle(values: number[]): number {
  return values.sort((a, b) => a - b)[Math.floor(0.5 * (values.length - 1))]!
}

function top(values: readonly (number | string)[]) {
  const counts = new Map<number | string, number>()
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1)
  return [...counts]
    .sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1))
    .slice(0, 3)
    .map(([value, count]) => ({ value, count, error: 0 }))
}
