import { describe, expect, it } from 'vitest'
import type { FieldType } from '#lib/domain/contract/contract.ts'
import { compareScalars } from '#lib/domain/contract/scalar.ts'
import type { Value } from '#lib/domain/contract/value.ts'
import { Decimal } from '#lib/domain/kernel/decimal.ts'
import { CalendarDate, Timestamp } from '#lib/domain/kernel/instants.ts'
import { seededRandom } from '#lib/domain/ops/seeded-random.ts'
import { aggregateOf } from '#lib/domain/process/aggregates/aggregate-of.ts'
import {
  contractOf,
  finished,
  type Row,
  rowsOf,
  shuffled,
  stateBySomeWay,
  storedText,
} from './algebra-harness.ts'
import { DOUBLES, INTS, LONGS, type Make, TEXTS, withNulls } from './value-makers.ts'

/** min, max, first and last: those whose state is one of the values. */

type Kind = readonly [FieldType, string, Make<Value>, (value: never) => unknown]

const whole = (value: bigint) => Number(value)
const KINDS: readonly Kind[] = [
  ...kinds({ kind: 'int' }, INTS, whole),
  ...kinds({ kind: 'long' }, LONGS, (value: bigint) => new Decimal(value, 0)),
  ...kinds({ kind: 'double' }, DOUBLES, (value: number) => value + 0),
  ...kinds({ kind: 'string' }, TEXTS, (value: string) => value),
  ...kinds(
    { kind: 'decimal', precision: 18, scale: 3 },
    { small: LONGS.small! },
    (value: bigint) => new Decimal(value, 3),
  ),
  ...kinds({ kind: 'date' }, { small: INTS.small! }, (value: bigint) => {
    return new CalendarDate(Number(value))
  }),
  ...kinds({ kind: 'timestamp' }, { small: LONGS.small! }, (value: bigint) => new Timestamp(value)),
  ...kinds(
    { kind: 'time' },
    { 'of a day': (random, n) => Array.from({ length: n }, () => timeOfDay(random)) },
    (value: string) => value,
  ),
]

function kinds<V extends Value>(
  type: FieldType,
  makers: Readonly<Record<string, Make<V>>>,
  shown: (value: V) => unknown,
): Kind[] {
  return Object.entries(makers).map(([what, make]) => [type, what, make, shown] as const)
}

function timeOfDay(random: () => number): string {
  const fraction = ['', '.5', '.500001', '.49'][Math.floor(random() * 4)]
  return `12:30:0${Math.floor(random() * 3)}${fraction}`
}

const MAX_LENGTH = { maxLength: 16 }

describe.each(KINDS)('of a %j field with values %s', (type, _what, make, shown) => {
  const contract = contractOf(type, type.kind === 'string' ? MAX_LENGTH : {})
  const algebraOf = (name: 'min' | 'max' | 'first' | 'last') =>
    aggregateOf({ name, function: name, field: 'value' }, contract)

  it.each(['min', 'max'] as const)('%s is that of a sort, whatever the order', (which) => {
    const algebra = algebraOf(which)
    const random = seededRandom(5)
    for (let round = 0; round < 10; round++) {
      const rows = rowsOf(withNulls(make(random, 40), random), () => Math.floor(random() * 4) - 1)

      const states = stateBySomeWay(algebra, contract, rows, 3, random)

      for (const group of [0, 1, 2]) {
        const sorted = valuesOf(rows, group).sort((a, b) => compareScalars(a as never, b as never))
        const value = which === 'min' ? sorted[0] : sorted.at(-1)
        const expected = value === undefined ? null : shown(value as never)
        expect(algebra.finish(states[group])).toEqual(expected)
        expect(storedText(algebra, states[group]).length).toBeLessThanOrEqual(
          algebra.maxStoredBytes,
        )
      }
    }
  })

  it.each(['first', 'last'] as const)('%s is that of a sort by place', (which) => {
    const algebra = algebraOf(which)
    const random = seededRandom(6)
    for (let round = 0; round < 10; round++) {
      const values = withNulls(make(random, 40), random)
      const rows = placed(values, random)

      const states = stateBySomeWay(algebra, contract, rows, 3, random)

      for (const group of [0, 1, 2]) {
        const sorted = rows.filter((row) => row.group === group && row.value !== null).sort(byPlace)
        const row = which === 'first' ? sorted[0] : sorted.at(-1)
        const expected = row === undefined ? null : shown(row.value as never)
        expect(algebra.finish(states[group])).toEqual(expected)
        expect(storedText(algebra, states[group]).length).toBeLessThanOrEqual(
          algebra.maxStoredBytes,
        )
      }
    }
  })
})

function valuesOf(rows: readonly Row[], group: number) {
  return rows.flatMap((row) => (row.group === group && row.value !== null ? [row.value] : []))
}

/** Few instants, shards and sequence numbers, so that often only the last part of a place decides. */
function placed(values: readonly (Value | null)[], random: () => number): Row[] {
  const places = Array.from({ length: 81 }, (_, i) => [i % 3, (i / 3) % 3, (i / 9) % 3, i / 27])
  const pick = shuffled(places, random)
  return values.map((value, position) => {
    const [time, shard, sequence, index] = pick[position]!.map(Math.floor)
    return {
      value,
      group: Math.floor(random() * 4) - 1,
      at: BigInt(time! - 1) * 2n ** 40n,
      shard: `shardId-00000000000${shard}`,
      sequence: ['00199', '003100', '003101'][sequence!]!,
      index: index!,
    }
  })
}

function byPlace(a: Row, b: Row): number {
  if (a.at !== b.at) return a.at < b.at ? -1 : 1
  return (
    compareScalars(a.shard, b.shard) || compareScalars(a.sequence, b.sequence) || a.index - b.index
  )
}

describe('first and last', () => {
  it('go by event time before the place in the stream, and by that among equals', () => {
    const contract = contractOf({ kind: 'string' }, MAX_LENGTH)
    const row = (
      value: string | null,
      at: bigint,
      shard: string,
      sequence: string,
      index: number,
    ) => ({ value, group: 0, at, shard, sequence, index }) satisfies Row
    const rows = [
      row('late by time', 5n, 'a', '0011', 0),
      row('b', 1n, 'b', '0011', 0),
      row('a, later in its shard', 1n, 'a', '00210', 0),
      row('a, second of its record', 1n, 'a', '0019', 1),
      row('a, first', 1n, 'a', '0019', 0),
      row(null, -9n, 'a', '0011', 0),
    ]
    const first = aggregateOf({ name: 'f', function: 'first', field: 'value' }, contract)
    const last = aggregateOf({ name: 'l', function: 'last', field: 'value' }, contract)

    expect(finished(first, contract, rows)).toBe('a, first')
    expect(finished(last, contract, rows)).toBe('late by time')
    expect(finished(last, contract, rows.slice(1))).toBe('b')
  })

  it('of a boolean is a boolean', () => {
    const contract = contractOf({ kind: 'boolean' })
    const last = aggregateOf({ name: 'l', function: 'last', field: 'value' }, contract)

    expect(finished(last, contract, rowsOf([true, false]))).toBe(false)
    expect(last.fromStored(last.toStored(last.create()))).toBeNull()
  })

  it('name every column that decides', () => {
    const contract = contractOf({ kind: 'int' })
    const last = aggregateOf({ name: 'l', function: 'last', field: 'value' }, contract)
    expect(last.columns).toEqual(['value', 'at', 'ingest_shard', 'ingest_sequence', 'ingest_index'])
  })
})

describe('min and max', () => {
  it('of an int that the contract made a long go on from what was stored', () => {
    const [int, long] = [contractOf({ kind: 'int' }), contractOf({ kind: 'long' })]
    const definition = { name: 'm', function: 'max', field: 'value' } as const
    const narrow = aggregateOf(definition, int)
    const wide = aggregateOf(definition, long)
    const stored = narrow.toStored(narrow.merge(narrow.create(), 7n))

    expect(wide.finish(wide.merge(wide.fromStored(stored), 2n ** 60n))).toEqual(
      new Decimal(2n ** 60n, 0),
    )
    expect(wide.finish(wide.fromStored(stored))).toEqual(new Decimal(7n, 0))
  })

  it('of texts go by code point, which UTF-16 does not', () => {
    const contract = contractOf({ kind: 'string' }, MAX_LENGTH)
    const max = aggregateOf({ name: 'm', function: 'max', field: 'value' }, contract)
    expect(finished(max, contract, rowsOf(['ﬀ', '😀']))).toBe('😀')
    expect('ﬀ' > '😀').toBe(true)
  })
})
