import type { Comparison, Predicate } from '#lib/domain/lake/predicate/predicate.ts'
import { decimalOf, type PrimitiveType, type TableSchema } from '#lib/domain/lake/schema.ts'
import type { ScalarValue } from '#lib/domain/lake/single-value.ts'
import type { Random } from '#lib/domain/ops/seeded-random.ts'
import type { Plain, Row } from './naive-table.ts'

const DAY_MICROS = 86_400_000_000n
/** 2026-01-01, in days. */
const FIRST_DAY = 20_454n
const CITIES = ['Aarhus', 'Basel', 'Cali', 'Dar es Salaam', 'Évora', 'Fès']

/** Values and conditions, few enough that they meet. */
export class RandomRows {
  readonly #random: Random

  constructor(random: Random) {
    this.#random = random
  }

  below(most: number): number {
    return Math.floor(this.#random() * most)
  }

  chance(share: number): boolean {
    return this.#random() < share
  }

  pick<One>(from: readonly One[]): One {
    return from[this.below(from.length)]!
  }

  rows(schema: TableSchema, count: number): readonly Row[] {
    // Rows of one append are near to one another, so that bounds tell something.
    const near = this.below(6)
    return Array.from(
      { length: count },
      () =>
        new Map(
          schema.fields.map(({ id, type, required }) => [
            id,
            !required && this.chance(0.15) ? null : this.value(type as PrimitiveType, near),
          ]),
        ),
    )
  }

  value(type: PrimitiveType, near = this.below(6)): Exclude<Plain, null> {
    switch (type) {
      case 'string':
        return CITIES[(near + this.below(2)) % CITIES.length]!
      case 'boolean':
        return this.chance(0.5)
      case 'double':
        return (near * 10 + this.below(20) - 30) / 8
      case 'date':
        return FIRST_DAY + BigInt(near * 3 + this.below(4))
      case 'timestamptz':
        return (FIRST_DAY + BigInt(near)) * DAY_MICROS + BigInt(this.below(86_400)) * 1_000_000n
      default: {
        const whole = BigInt(near * 10 + this.below(15) - 20)
        return decimalOf(type) ? whole * 25n : whole
      }
    }
  }

  predicate(schema: TableSchema, depth = 0): Predicate {
    const kind = depth < 2 ? this.below(8) : 3 + this.below(5)
    if (kind === 0) return { kind: 'not', of: this.predicate(schema, depth + 1) }
    if (kind < 3) {
      const of = Array.from({ length: 2 }, () => this.predicate(schema, depth + 1))
      return { kind: kind === 1 ? 'and' : 'or', of }
    }
    const { name: column, type } = this.pick(schema.fields)
    const plain = type as PrimitiveType
    if (kind === 3) return { kind: 'isNull', column }
    if (kind === 4) {
      return { kind: 'in', column, values: [this.scalar(plain), this.scalar(plain)] }
    }
    const op = this.pick<Comparison>(['=', '!=', '<', '<=', '>', '>='])
    return { kind: 'compare', column, op, value: this.scalar(plain) }
  }

  /** As the table has it. */
  scalar(type: PrimitiveType): ScalarValue {
    return scalarOf(this.value(type), type)
  }
}

export function scalarOf(value: Exclude<Plain, null>, type: PrimitiveType): ScalarValue {
  return type === 'int' || type === 'date' ? Number(value) : value
}
